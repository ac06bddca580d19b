/* expect: (incompatible type for argument 1 of .word_emit.)|(to parameter of incompatible type) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/record.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

void split(const line *in, weir_out(word) words, weir_out(line) lines);
void split(const line *in, weir_out(word) words, weir_out(line) lines)
{
#ifdef WRONG
    word_emit(lines, (word){ .text = in->text });
#else
    word_emit(words, (word){ .text = in->text });
#endif
    (void)words;
    (void)lines;
}
