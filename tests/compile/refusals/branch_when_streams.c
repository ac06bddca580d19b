/* expect: weir_branch_when\(lines, is_late, &yes, &no\): the last two must point to streams of */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static bool is_late(weir_time now) { return now.at[0] > 4; }

void build(weir_stream(line) lines);
void build(weir_stream(line) lines)
{
#ifdef WRONG
    weir_stream(word) yes, no;
#else
    weir_stream(line) yes, no;
#endif
    weir_branch_when(lines, is_late, &yes, &no);
    (void)yes;
    (void)no;
}
