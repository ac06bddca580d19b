/* expect: weir_view\(.*the key names a record that the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/view.h>

#define COUNT(F) F(str, word) F(i64, count)
#define WORD(F) F(str, word)
WEIR_RECORD(count, COUNT)
WEIR_RECORD(word, WORD)

void build(weir_stream(count) counts);
void build(weir_stream(count) counts)
{
    weir_view_unique(counts, "by_its_own_key");
    weir_view_unique(counts, "for_a_minute", .retention_ms = 60000);
#ifdef WRONG
    weir_view(counts, "counts", WEIR_KEY(word, word));
#else
    weir_view(counts, "counts", WEIR_KEY(count, word));
    weir_view(counts, "more", WEIR_KEY(count, word), .retention_ms = 60000);
#endif
}
