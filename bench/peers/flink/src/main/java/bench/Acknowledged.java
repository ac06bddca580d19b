// SPDX-License-Identifier: Apache-2.0
package bench;

import java.util.Map;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/** Keeps when the broker last acknowledged a message: a clock reading each, on the client's thread. */
public final class Acknowledged implements ProducerInterceptor<byte[], byte[]> {
    private static volatile long last;

    /** Microseconds since 1970. */
    static long lastMicros() {
        return last;
    }

    @Override
    public ProducerRecord<byte[], byte[]> onSend(ProducerRecord<byte[], byte[]> record) {
        return record;
    }

    @Override
    public void onAcknowledgement(RecordMetadata metadata, Exception error) {
        if (error == null) {
            last = WordCount.wallMicros();
        }
    }

    @Override
    public void close() {}

    @Override
    public void configure(Map<String, ?> configuration) {}
}
