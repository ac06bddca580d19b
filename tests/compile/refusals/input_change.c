/* expect: weir_input_change\(handle, word, .*the input takes other records */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

void build(weir_input_handle(line) handle);
void build(weir_input_handle(line) handle)
{
#ifdef WRONG
    weir_input_change(handle, word, ((word){ .text = weir_str_of("a") }), -1);
#else
    weir_input_change(handle, line, ((line){ .text = weir_str_of("a") }), -1);
#endif
}
