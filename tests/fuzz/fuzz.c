/* SPDX-License-Identifier: Apache-2.0
 *
 * A libFuzzer program of one target, named by -DFUZZ_TARGET=json: see run.
 */
#include "fuzz/targets.h"

#define FUZZ_CALL(target) FUZZ_CALL_NOW(target)
#define FUZZ_CALL_NOW(target) fuzz_##target

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FUZZ_CALL(FUZZ_TARGET)((const char *)data, size);
    return 0;
}
