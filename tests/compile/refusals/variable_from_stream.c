/* expect: weir_variable_from\(.*the last must point to a stream of the records of the first */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/iterate.h>

#define WORD(F) F(str, text)
#define LINE(F) F(str, text)
WEIR_RECORD(word, WORD)
WEIR_RECORD(line, LINE)

void build(weir_stream(word) words, weir_scope *rounds);
void build(weir_stream(word) words, weir_scope *rounds)
{
#ifdef WRONG
    weir_stream(line) value;
#else
    weir_stream(word) value;
#endif
    weir_variable_set(weir_variable_from(words, rounds, &value), value);
}
