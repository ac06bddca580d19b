/* expect: weir_kafka_sink_by\(lines, .*word, text.*\): the key names a record that the stream */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/connectors/kafka.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

void build(weir_stream(line) lines);
void build(weir_stream(line) lines)
{
#ifdef WRONG
    weir_kafka_sink_by(lines, WEIR_KEY(word, text), .topic = "lines");
#else
    weir_kafka_sink_by(lines, WEIR_KEY(line, text), .topic = "lines");
#endif
}
