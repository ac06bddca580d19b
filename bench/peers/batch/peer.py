#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peer.py ENGINE -w THREADS --kind sum|join --records N --nodes N: the case batch (bench/README.md)
by an engine that computes once, from scratch: polars, duckdb or datafusion.

The rows lie in memory in the engine's own form before the clock starts, and it has answered the
same query about a few rows, so that its threads are there and its code is loaded. The clock stops
when the result lies in memory, in the engine's own form.
"""
import argparse
import os
import time

import numpy as np

STRIDE, VALUES = 7777777777, 1000  # as in bench/changes.h and bench/case_batch.c
GAMMA, FEW = np.uint64(0x9e3779b97f4a7c15), 1000
SUM = "SELECT key, CAST(sum(value) AS BIGINT) AS sum FROM rows GROUP BY key"
JOIN = ('SELECT r.key, r.value AS "left", k.value AS "right" '
        "FROM rows r JOIN keyed k ON r.key = k.key")
QUERIES = {"sum": SUM, "join": JOIN}


# ---- the data, and the answer

def mix(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
    return z ^ (z >> np.uint64(27))


def random_numbers(count):
    """The first numbers of splitmix64 from state 1."""
    z = mix(np.uint64(1) + GAMMA * np.arange(1, count + 1, dtype=np.uint64))
    z *= np.uint64(0x94d049bb133111eb)
    return z ^ (z >> np.uint64(31))


def make_rows(records, nodes):
    """Columns key and value of the rows, and of those with each key once."""
    numbers = random_numbers(2 * records)
    rows = {"key": (numbers[0::2] % np.uint64(nodes)).astype(np.int64),
            "value": (numbers[1::2] % np.uint64(VALUES)).astype(np.int64)}
    order = np.arange(nodes, dtype=np.int64)
    keyed = {"key": order * STRIDE % nodes, "value": order}
    return rows, keyed


def answer(columns):
    """The sum of the hashes of all rows."""
    total = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        total = mix((total ^ column.astype(np.uint64)) + GAMMA)
    return int(total.sum(dtype=np.uint64))


# ---- engines: prepare returns what computes the result, columns takes that apart

class Polars:
    """Its streaming engine: three times as fast here as the other."""

    @staticmethod
    def prepare(rows, keyed, kind, _):
        import polars as pl
        rows, keyed = pl.DataFrame(rows), pl.DataFrame(keyed)
        if kind == "sum":
            return lambda: rows.lazy().group_by("key").agg(pl.col("value").sum()).collect(
                engine="streaming")
        return lambda: rows.lazy().join(keyed.lazy(), on="key").collect(engine="streaming")

    @staticmethod
    def columns(result):
        return [column.to_numpy() for column in result.iter_columns()]


class DuckDB:
    """Tables of the database, in memory, as is the result."""

    @staticmethod
    def prepare(rows, keyed, kind, threads):
        import duckdb
        import pyarrow as pa
        database = duckdb.connect(config={"threads": threads})
        database.execute("SET preserve_insertion_order = false")
        for name, columns in (("rows", rows), ("keyed", keyed)):
            database.register("given", pa.table(columns))
            database.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
            database.unregister("given")

        def run():
            database.execute(f"CREATE TABLE result AS {QUERIES[kind]}")
            return database
        return run

    @staticmethod
    def columns(database):
        return list(database.execute("SELECT * FROM result").fetchnumpy().values())


class DataFusion:
    """As many partitions as threads, of Arrow's batches. A join likes longer batches than usual."""

    @staticmethod
    def prepare(rows, keyed, kind, threads):
        import datafusion
        import pyarrow as pa
        context = datafusion.SessionContext(
            datafusion.SessionConfig().with_target_partitions(threads)
            .with_batch_size(8192 if kind == "sum" else 65536))
        for name, columns in (("rows", rows), ("keyed", keyed)):
            batches = pa.table(columns).to_batches(max_chunksize=8192)
            parts = [batches[i::threads] for i in range(threads)]
            context.register_record_batches(name, parts)
        return lambda: context.sql(QUERIES[kind]).collect()

    @staticmethod
    def columns(result):
        import pyarrow as pa
        return [column.to_numpy() for column in pa.Table.from_batches(result).columns]


ENGINES = {"polars": Polars, "duckdb": DuckDB, "datafusion": DataFusion}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("-w", dest="threads", type=int, default=2)
    parser.add_argument("--kind", choices=["sum", "join"], required=True)
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--nodes", type=int, required=True)
    options = parser.parse_args()
    # Engines that are not told take a thread for each core that they may use.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    os.environ["POLARS_MAX_THREADS"] = str(options.threads)
    engine = ENGINES[options.engine]
    few = make_rows(FEW, min(FEW, options.nodes))
    engine.prepare(*few, options.kind, options.threads)()
    run = engine.prepare(*make_rows(options.records, options.nodes), options.kind,
                         options.threads)
    start = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - start
    print(f"answer {answer(engine.columns(result))}")
    print(f"cost {seconds * 1e3} ms")


if __name__ == "__main__":
    main()
