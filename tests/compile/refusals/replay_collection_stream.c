/* expect: weir_replay_collection\(lines, line\): the stream does not carry captured events */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/connectors/file.h>
#include <weir/weir.h>

#define LINE(F) F(str, text)
WEIR_RECORD(line, LINE)

void build(weir_stream(line) lines);
void build(weir_stream(line) lines)
{
#ifdef WRONG
    (void)weir_replay_collection(lines, line);
#else
    (void)weir_replay_collection(weir_capture_events(lines), line);
#endif
    (void)lines;
}
