#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare.py PROGRAM [options]: runs tpch on generated tables, by a plan in which rows of all
tables come and go, and compares the answers of all queries, at each moment that the plan asks for
them, with what DuckDB answers on the same rows to the same queries (queries.sql), digit by digit.

    --scale S      of the tables (default 0.02: query 17 needs as many)
    --folder DIR   where they are kept; default: made anew, and removed in the end
    --query N      one of the queries (default: all of them in one dataflow)
    --batch N      changes in an epoch (default 1000)
    --workers N    of the program (default 2)
    --format F     of the files: tbl (default) or csv
    --timings      says how long either side took

It needs the packages of tests/python/requirements.txt: `tests/python/prepare` makes an environment
with them and prints its python3. Ends with status 1 if something differs.
"""
import argparse
import decimal
import os
import re
import subprocess
import sys
import tempfile
import time

try:
    import duckdb
except ImportError as missing:
    sys.exit(f"compare.py: {missing}; run it by the python3 that tests/python/prepare prints")

HERE = os.path.dirname(os.path.realpath(__file__))
COLUMNS = {
    "region": "r_regionkey INT, r_name VARCHAR, r_comment VARCHAR",
    "nation": "n_nationkey INT, n_name VARCHAR, n_regionkey INT, n_comment VARCHAR",
    "supplier": "s_suppkey INT, s_name VARCHAR, s_address VARCHAR, s_nationkey INT,"
                "s_phone VARCHAR, s_acctbal DECIMAL(15,2), s_comment VARCHAR",
    "customer": "c_custkey INT, c_name VARCHAR, c_address VARCHAR, c_nationkey INT,"
                "c_phone VARCHAR, c_acctbal DECIMAL(15,2), c_mktsegment VARCHAR,"
                "c_comment VARCHAR",
    "part": "p_partkey INT, p_name VARCHAR, p_mfgr VARCHAR, p_brand VARCHAR, p_type VARCHAR,"
            "p_size INT, p_container VARCHAR, p_retailprice DECIMAL(15,2), p_comment VARCHAR",
    "partsupp": "ps_partkey INT, ps_suppkey INT, ps_availqty INT, ps_supplycost DECIMAL(15,2),"
                "ps_comment VARCHAR",
    "orders": "o_orderkey BIGINT, o_custkey INT, o_orderstatus VARCHAR,"
              "o_totalprice DECIMAL(15,2), o_orderdate DATE, o_orderpriority VARCHAR,"
              "o_clerk VARCHAR, o_shippriority INT, o_comment VARCHAR",
    "lineitem": "l_orderkey BIGINT, l_partkey INT, l_suppkey INT, l_linenumber INT,"
                "l_quantity DECIMAL(15,2), l_extendedprice DECIMAL(15,2),"
                "l_discount DECIMAL(15,2), l_tax DECIMAL(15,2), l_returnflag VARCHAR,"
                "l_linestatus VARCHAR, l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE,"
                "l_shipinstruct VARCHAR, l_shipmode VARCHAR, l_comment VARCHAR",
}
# a × scale / b, half up, of decimals with so many digits, as one of so many digits.
MACROS = """
CREATE MACRO quotient(a, b, scale) AS (2 * a * scale + b) // (2 * b);
CREATE MACRO units(d, n) AS CAST(CAST(d AS DECIMAL(24, 4)) * n AS HUGEINT);
CREATE MACRO mean(sum, n) AS
    CAST(quotient(units(sum, 100), CAST(n AS HUGEINT), 1) AS DECIMAL(18, 0)) * 0.01;
CREATE MACRO share(a, b) AS
    CAST(quotient(units(a, 10000), units(b, 10000), 10000) AS DECIMAL(18, 0)) * 0.0001;
CREATE MACRO percentage(a, b) AS
    CAST(quotient(units(a, 10000), units(b, 10000), 1000000) AS DECIMAL(18, 0)) * 0.0001;
"""


def generate(folder, scale, form):
    program = os.path.join(os.path.dirname(sys.executable), "tpchgen-cli")
    subprocess.run([program, form, "--quiet", "--scale-factor", str(scale), "--output-dir", folder],
                   check=True)


class Plan:
    """The changes, as lines for the program and as rows that are there for DuckDB."""

    def __init__(self, rows):
        self.rows, self.steps = rows, []

    def change(self, verb, table, share, step=1, offset=0):
        """Of a share of the table's rows: (0.2, 0.5) is what lies between two and five tenths. Of
        these, rows number offset, offset + step, and so on of the table, counted from 0."""
        rows = self.rows[table]
        first, last = int(share[0] * rows), int(share[1] * rows)
        first += (offset - first) % step
        if first < last:
            self.steps.append((verb, table, first + 1, last, step))

    def answer(self, name):
        self.steps.append(("answer", name))

    def write(self, path):
        with open(path, "w") as file:
            for step in self.steps:
                if step[0] == "answer":
                    print(*step, file=file)
                else:
                    print("{} {} {}..{}/{}".format(*step), file=file)


def make_plan(rows):
    """Tables come in parts, one beside the other; then some rows of all of them leave, some of
    these come back, and others leave."""
    plan, facts = Plan(rows), ["partsupp", "orders", "lineitem"]
    def come(first, last):
        for part in range(4):
            at = [first + (last - first) * (part + i) / 4 for i in (0, 1)]
            for table in rows:
                plan.change("add", table, at)

    plan.answer("nothing")
    come(0, 0.6)
    plan.answer("part")
    for table in facts:
        plan.change("remove", table, (0.1, 0.3))
    plan.answer("less")
    come(0.6, 1)
    for table in facts:
        plan.change("add", table, (0.1, 0.3))
    plan.answer("whole")
    steps = dict(zip(rows, [4, 7, 9, 11, 5, 6, 8, 7]))
    for table, step in steps.items():
        plan.change("remove", table, (0, 1), step)
    plan.answer("without-some")
    for table, step in steps.items():
        plan.change("add", table, (0, 0.5), step)
    for table in facts:  # these come and go in one epoch
        plan.change("remove", table, (0.7, 0.71), steps[table], 1)
        plan.change("add", table, (0.7, 0.71), steps[table], 1)
    plan.answer("with-others")
    for table, step in steps.items():
        plan.change("remove", table, (0.5, 1), step, 2)
    plan.answer("last")
    return plan


class Database:
    """The rows that are there, and the queries."""

    def __init__(self, folder, form):
        self.db = duckdb.connect()
        self.db.execute("SET threads = 1")
        self.db.execute(MACROS)
        self.rows = {}
        for table, columns in COLUMNS.items():
            self.load(table, columns, os.path.join(folder, f"{table}.{form}"), form)
        text = open(os.path.join(HERE, "queries.sql")).read()
        self.queries = {int(number): query for number, query
                        in re.findall(r"^-- (\d+)\n(.*?);$", text, re.M | re.S)}
        self.fractions = round(self.rows["supplier"])

    def load(self, table, columns, path, form):
        self.db.execute(f"CREATE TABLE all_{table} (row BIGINT, here BOOLEAN, {columns})")
        names = dict(column.split(" ", 1) for column in re.split(r",\s*(?=\w+_)", columns))
        if form == "tbl":
            names["behind"] = "VARCHAR"
        options = "delim='|', header=false" if form == "tbl" else "delim=',', header=true"
        chosen = ", ".join(name for name in names if name != "behind")
        self.db.execute(f"INSERT INTO all_{table} SELECT row_number() OVER (), false, {chosen} "
                        f"FROM read_csv('{path}', {options}, columns={names})")
        self.db.execute(f"CREATE VIEW {table} AS SELECT * FROM all_{table} WHERE here")
        self.rows[table] = self.db.execute(f"SELECT count(*) FROM all_{table}").fetchone()[0]

    def change(self, verb, table, first, last, step):
        self.db.execute(f"UPDATE all_{table} SET here = {verb == 'add'} "
                        f"WHERE row BETWEEN {first} AND {last} AND (row - {first}) % {step} = 0")

    def answer(self, number):
        query = self.queries[number].replace("$fractions", str(self.fractions))
        return ["|".join(map(str, record)) for record in self.db.execute(query).fetchall()]


def difference(name, number, ours, theirs):
    lines = [f"{name}: the answers to query {number} differ: "
             f"{len(ours)} records here, {len(theirs)} of DuckDB's; the first that do:"]
    for i in range(max(len(ours), len(theirs))):
        pair = [side[i] if i < len(side) else "(none)" for side in (ours, theirs)]
        if pair[0] != pair[1]:
            return "\n".join(lines + ["    here:   " + pair[0], "    DuckDB: " + pair[1]])
    return None


def compare(db, plan, folder, numbers):
    """How many answers agreed, and what of those that did not."""
    agreed, wrong, records = 0, [], dict.fromkeys(numbers, 0)
    for step in plan.steps:
        if step[0] != "answer":
            db.change(*step)
            continue
        for number in numbers:
            ours = open(os.path.join(folder, f"{step[1]}.q{number}")).read().splitlines()[1:]
            theirs = db.answer(number)
            records[number] += len(theirs)
            differs = difference(step[1], number, ours, theirs)
            agreed += not differs
            wrong += [differs] if differs else []
    wrong += [f"query {number} had no record at any moment: it was not tried"
              for number in numbers if records[number] == 0]
    return agreed, wrong


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("program")
    parser.add_argument("--scale", type=decimal.Decimal, default=decimal.Decimal("0.02"))
    parser.add_argument("--folder")
    parser.add_argument("--query", type=int)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--format", choices=["tbl", "csv"], default="tbl")
    parser.add_argument("--timings", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or scratch
        if not os.path.exists(os.path.join(folder, f"lineitem.{options.format}")):
            generate(folder, options.scale, options.format)
        db = Database(folder, options.format)
        plan = make_plan(db.rows)
        plan.write(os.path.join(scratch, "plan"))
        start = time.monotonic()
        done = subprocess.run([options.program, "--data", folder,
                               "--query", str(options.query or "all"),
                               "--changes", os.path.join(scratch, "plan"), "--answers", scratch,
                               "--batch", str(options.batch), "--workers", str(options.workers)])
        middle = time.monotonic()
        if done.returncode != 0:
            sys.exit(f"compare.py: {options.program} ended with status {done.returncode}")
        numbers = [options.query] if options.query else sorted(db.queries)
        agreed, wrong = compare(db, plan, scratch, numbers)
        if options.timings:
            print(f"{middle - start:.2f} s here, {time.monotonic() - middle:.2f} s of DuckDB")
    for line in wrong:
        print(line)
    print(f"{agreed} answers are DuckDB's, {len(wrong)} are wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
