// SPDX-License-Identifier: Apache-2.0
package bench;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.operators.ProcessingTimeService.ProcessingTimeCallback;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Sends on the newest count of each word that has changed, every so many milliseconds.
 *
 * <p>In the form of Flink's own mini batches (its SQL counts so): what comes in between two flushes is
 * added up in a map, and the keyed state is read and written once for each changed word. A timer for
 * each key, the other way, would read it for every record, and Flink drops such timers when a bounded
 * input ends. The map is flushed before a checkpoint's barrier, so none of it could be lost.
 */
final class NewestCount extends AbstractStreamOperator<Tuple2<String, Long>>
        implements OneInputStreamOperator<String, Tuple2<String, Long>>,
                BoundedOneInput,
                ProcessingTimeCallback {
    private static final long serialVersionUID = 1;
    private final long everyMs;
    private transient Map<String, long[]> added;
    private transient ValueState<Long> counts;
    private transient Tuple2<String, Long> out;
    private transient StreamRecord<Tuple2<String, Long>> record;

    NewestCount(long everyMs) {
        this.everyMs = everyMs;
    }

    @Override
    public void open() throws Exception {
        super.open();
        added = new HashMap<>();
        counts = getRuntimeContext().getState(new ValueStateDescriptor<>("counts", Types.LONG));
        out = new Tuple2<>();
        record = new StreamRecord<>(out);
        arm();
    }

    private void arm() {
        long now = getProcessingTimeService().getCurrentProcessingTime();
        getProcessingTimeService().registerTimer(now + everyMs, this);
    }

    /** The key is set where the state is used, once for each changed word, not for each record. */
    @Override
    public boolean hasKeyContext() {
        return false;
    }

    @Override
    public void processElement(StreamRecord<String> word) {
        long[] count = added.get(word.getValue());
        if (count == null) {
            added.put(word.getValue(), new long[] {1});
        } else {
            count[0]++;
        }
    }

    @Override
    public void onProcessingTime(long time) throws Exception {
        flush();
        arm();
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
        flush();
    }

    @Override
    public void endInput() throws Exception {
        flush();
    }

    private void flush() throws Exception {
        for (Map.Entry<String, long[]> entry : added.entrySet()) {
            setCurrentKey(entry.getKey());
            Long before = counts.value();
            out.setFields(entry.getKey(), (before == null ? 0 : before) + entry.getValue()[0]);
            counts.update(out.f1);
            output.collect(record);
        }
        added.clear();
    }
}
