/* expect: weir_file_event_sink\(lines\): the stream does not carry captured events */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/connectors/file.h>
#include <weir/weir.h>

#define LINE(F) F(str, text)
WEIR_RECORD(line, LINE)

void build(weir_stream(line) lines);
void build(weir_stream(line) lines)
{
#ifdef WRONG
    weir_file_event_sink(lines, .path = "events");
#else
    weir_file_event_sink(weir_capture_events(lines), .path = "events");
#endif
    (void)lines;
}
