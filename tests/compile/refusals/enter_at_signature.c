/* expect: WEIR_ENTER_AT\(at, line\): at must be uint64_t \(const line \*\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
WEIR_RECORD(line, LINE)

#ifdef WRONG
static int at(const line *l) { return (int)l->text.len; }
#else
static uint64_t at(const line *l) { return l->text.len; }
#endif
WEIR_ENTER_AT(at, line)

void build(weir_stream(line) lines, weir_scope *scope);
void build(weir_stream(line) lines, weir_scope *scope) { (void)weir_enter_at(lines, scope, at); }
