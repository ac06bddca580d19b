// SPDX-License-Identifier: Apache-2.0
package bench;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The peer's side of kafka-wordcount: words from a topic, counted by key, counts to a topic, in
 * Flink's local cluster in this process. The contract (flags, answer, cost) is in bench/README.md.
 *
 * <p>Settings: parallelism 1 by default, which on two cores with the broker beside it was as fast as
 * 2; objects reused; no checkpoints, which only makes Flink faster, as our side has none either; the
 * state is on the heap.
 */
public final class WordCount {
    /** Wall clock of the first record, in microseconds. Flink's threads are of this process. */
    private static volatile long first;

    private WordCount() {}

    public static void main(String[] args) throws Exception {
        Map<String, String> flags = new HashMap<>();
        for (int i = 0; i + 1 < args.length; i += 2) {
            flags.put(args[i], args[i + 1]);
        }
        long everyMs = Long.parseLong(flags.getOrDefault("--every-ms", "100"));
        StreamExecutionEnvironment env = environment(Integer.parseInt(flags.getOrDefault("-w", "1")));
        KeyedStream<String, String> words =
                env.fromSource(source(flags), WatermarkStrategy.noWatermarks(), "words")
                        .keyBy(word -> word);
        DataStream<Tuple2<String, Long>> counts =
                everyMs == 0
                        ? words.process(new EveryCount())
                        : words.transform("newest", WordAndCount.TYPE, new NewestCount(everyMs));
        counts.sinkTo(sink(flags));
        env.execute("word count");
        System.out.printf("first %d%n", first);
        System.out.printf("cost %.4f s%n", (Acknowledged.lastMicros() - first) / 1e6);
        System.out.flush();
        // The local cluster's threads take a second to end; nothing is left to be done.
        Runtime.getRuntime().halt(0);
    }

    private static StreamExecutionEnvironment environment(int parallelism) {
        Configuration configuration = new Configuration();
        // The local cluster's default is 64 MB of network buffers at least; this is no less.
        configuration.setString("taskmanager.numberOfTaskSlots", String.valueOf(parallelism));
        configuration.setString("taskmanager.memory.network.min", "64mb");
        configuration.setString("taskmanager.memory.network.max", "64mb");
        StreamExecutionEnvironment env =
                StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration);
        env.getConfig().enableObjectReuse();
        return env;
    }

    private static KafkaSource<String> source(Map<String, String> flags) {
        Properties consumer = new Properties();
        // More records a poll and larger fetches than the consumer's defaults of 500 and 1 MiB:
        // a third faster here.
        consumer.setProperty("max.poll.records", "10000");
        consumer.setProperty("max.partition.fetch.bytes", "8388608");
        return KafkaSource.<String>builder()
                .setBootstrapServers(flags.get("--bootstrap"))
                .setTopics(flags.get("--topic"))
                .setGroupId("peer-flink")
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setBounded(OffsetsInitializer.latest())
                .setValueOnlyDeserializer(new Word())
                .setProperties(consumer)
                .build();
    }

    private static KafkaSink<Tuple2<String, Long>> sink(Map<String, String> flags) {
        Properties producer = new Properties();
        // Larger batches than the producer's default of 16 KiB sent at once: the faster here.
        producer.setProperty("linger.ms", "20");
        producer.setProperty("batch.size", "262144");
        producer.setProperty("interceptor.classes", Acknowledged.class.getName());
        return KafkaSink.<Tuple2<String, Long>>builder()
                .setBootstrapServers(flags.get("--bootstrap"))
                .setRecordSerializer(new WordAndCount(flags.get("--out")))
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .setKafkaProducerConfig(producer)
                .build();
    }

    static long wallMicros() {
        return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
    }

    /** A message is a word. */
    private static final class Word extends AbstractDeserializationSchema<String> {
        Word() {
            super(Types.STRING);
        }

        @Override
        public String deserialize(byte[] message) {
            if (first == 0) {
                first = wallMicros();
            }
            return new String(message, java.nio.charset.StandardCharsets.UTF_8);
        }
    }
}
