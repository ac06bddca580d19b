/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies in a list for reuse is poisoned under the address sanitizer, so that its use is caught
 * as if it had been freed. Elsewhere this is nothing.
 */
#ifndef WEIR_BASE_POISON_H
#define WEIR_BASE_POISON_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#endif
