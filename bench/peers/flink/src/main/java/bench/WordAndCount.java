// SPDX-License-Identifier: Apache-2.0
package bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** A word and its count as a message: the key is the word, the value a JSON object. */
final class WordAndCount implements KafkaRecordSerializationSchema<Tuple2<String, Long>> {
    static final TypeInformation<Tuple2<String, Long>> TYPE = Types.TUPLE(Types.STRING, Types.LONG);
    private static final long serialVersionUID = 1;
    private final String topic;

    WordAndCount(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(
            Tuple2<String, Long> record, KafkaSinkContext context, Long timestamp) {
        String value = "{\"word\":\"" + record.f0 + "\",\"count\":" + record.f1 + "}";
        return new ProducerRecord<>(topic, record.f0.getBytes(UTF_8), value.getBytes(UTF_8));
    }
}
