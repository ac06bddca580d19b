/* SPDX-License-Identifier: Apache-2.0
 *
 * Weir's runtime and operators. Connectors have headers of their own: <weir/connectors/…>; and so
 * has what keyed operators are made of, for those who write one: <weir/table.h>, <weir/gather.h>,
 * <weir/history.h>, <weir/match.h>.
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <weir/base.h>
#include <weir/batch.h>
#include <weir/codec.h>
#include <weir/dataflow.h>
#include <weir/event.h>
#include <weir/flight.h>
#include <weir/frontier.h>
#include <weir/graph.h>
#include <weir/memory.h>
#include <weir/node.h>
#include <weir/observe.h>
#include <weir/operators/accumulate.h>
#include <weir/operators/aggregate.h>
#include <weir/operators/arrange.h>
#include <weir/operators/asof_join.h>
#include <weir/operators/assert_equal.h>
#include <weir/operators/branch.h>
#include <weir/operators/branch_when.h>
#include <weir/operators/broadcast.h>
#include <weir/operators/cap_set.h>
#include <weir/operators/capture.h>
#include <weir/operators/captured_stream.h>
#include <weir/operators/collection.h>
#include <weir/operators/concat.h>
#include <weir/operators/consolidate.h>
#include <weir/operators/context.h>
#include <weir/operators/count.h>
#include <weir/operators/count_distinct.h>
#include <weir/operators/delay.h>
#include <weir/operators/delta_join.h>
#include <weir/operators/events.h>
#include <weir/operators/exchange.h>
#include <weir/operators/explode.h>
#include <weir/operators/filter.h>
#include <weir/operators/flat_map.h>
#include <weir/operators/graphs.h>
#include <weir/operators/identifiers.h>
#include <weir/operators/input.h>
#include <weir/operators/inspect.h>
#include <weir/operators/interval_join.h>
#include <weir/operators/iterate.h>
#include <weir/operators/join.h>
#include <weir/operators/loop.h>
#include <weir/operators/map.h>
#include <weir/operators/min.h>
#include <weir/operators/notify.h>
#include <weir/operators/outer_join.h>
#include <weir/operators/partition.h>
#include <weir/operators/prefix_sum.h>
#include <weir/operators/probe.h>
#include <weir/operators/process.h>
#include <weir/operators/publish.h>
#include <weir/operators/quantile.h>
#include <weir/operators/rebalance.h>
#include <weir/operators/reclock.h>
#include <weir/operators/reduce.h>
#include <weir/operators/replay.h>
#include <weir/operators/semijoin.h>
#include <weir/operators/source.h>
#include <weir/operators/state_machine.h>
#include <weir/operators/sum.h>
#include <weir/operators/temporal_filter.h>
#include <weir/operators/threshold.h>
#include <weir/operators/to_stream.h>
#include <weir/operators/top.h>
#include <weir/operators/try.h>
#include <weir/operators/unary.h>
#include <weir/operators/upsert.h>
#include <weir/operators/view.h>
#include <weir/record.h>
#include <weir/sequencer.h>
#include <weir/str.h>
#include <weir/time.h>
#include <weir/trace.h>
#include <weir/type.h>
#include <weir/value.h>
#include <weir/view.h>
#include <weir/worker.h>

#endif
