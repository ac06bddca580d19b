/* expect: WEIR_DELAY\(later, line\): later must be weir_time \(const line \*, weir_time now\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
WEIR_RECORD(line, LINE)

#ifdef WRONG
static uint64_t later(const line *l, uint64_t now) { return now + l->text.len; }
#else
static weir_time later(const line *l, weir_time now)
{
    now.at[0] += l->text.len;
    return now;
}
#endif
WEIR_DELAY(later, line)

void build(weir_stream(line) lines);
void build(weir_stream(line) lines) { (void)weir_delay(lines, later); }
