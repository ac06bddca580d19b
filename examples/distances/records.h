/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes over the topics.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <weir/record.h>

#define LINK_CHANGE(F)     F(u64, from) F(u64, to) F(flag, gone)
#define QUESTION_CHANGE(F) F(u64, id) F(u64, from) F(u64, to) F(flag, gone)
#define QUESTION(F)        F(u64, id) F(u64, from) F(u64, to)
#define ANSWER(F)          F(u64, id) F(u64, from) F(u64, to) F(opt_i64, links)
WEIR_RECORD(link_change, LINK_CHANGE)
WEIR_RECORD(question_change, QUESTION_CHANGE)
WEIR_RECORD(question, QUESTION)
WEIR_RECORD(answer, ANSWER)

#endif
