// SPDX-License-Identifier: Apache-2.0
package bench;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Sends on the new count of a word at once, for each word. */
final class EveryCount extends KeyedProcessFunction<String, String, Tuple2<String, Long>> {
    private static final long serialVersionUID = 1;
    private transient ValueState<Long> counts;
    private transient Tuple2<String, Long> out;

    @Override
    public void open(OpenContext context) {
        counts = getRuntimeContext().getState(new ValueStateDescriptor<>("counts", Types.LONG));
        out = new Tuple2<>();
    }

    @Override
    public void processElement(String word, Context context, Collector<Tuple2<String, Long>> to)
            throws Exception {
        Long before = counts.value();
        out.setFields(word, before == null ? 1 : before + 1);
        counts.update(out.f1);
        to.collect(out);
    }
}
