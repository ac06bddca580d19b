/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns formatted strings for records about to be emitted. The arena they go to is the builder's.
 */
#include <stdio.h>

#include <weir/memory.h>
#include <weir/record.h>

weir_str weir_builder_format(weir_builder *builder, const char *format, ...)
{
    char brief[256];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(brief, sizeof brief, format, args);
    va_end(args);
    weir_str s = weir_str_view(NULL, 0);
    if (len >= 0 && (size_t)len < sizeof brief) {
        s = weir_builder_str(builder, brief, (size_t)len);
    } else if (len > 0) {
        size_t size = (size_t)len + 1;
        char *text = weir_alloc_must(size);
        vsnprintf(text, size, format, again);
        s = weir_builder_str(builder, text, (size_t)len);
        weir_free(text, size);
    }
    va_end(again);
    return s;
}
