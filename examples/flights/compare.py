#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare.py PROGRAM [options]: runs flights, writes rows to its topics, corrects them and takes
them back, and compares the program's views with what Polars computes of the same rows: at each of
some moments, to the last bit. In the end it compares the topic that the program writes, too.

    --days N         the first N days of the year 2013 (default 31); 0: all of it
    --every N        only every N-th flight (default 1)
    --brokers LIST   a Kafka without these topics; default: the one that the program has inside,
                     which keeps no more than a month of flights
    --workers N      of the program (default 2)

It needs the packages of tests/python/requirements.txt: `tests/python/prepare` makes an environment
with them and prints its python3. Ends with status 1 if something differs.
"""
import argparse
import collections
import contextlib
import datetime
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

try:
    import confluent_kafka as kafka
    import confluent_kafka.admin
    import polars as pl
except ImportError as missing:
    sys.exit(f"compare.py: {missing}; run it by the python3 that tests/python/prepare prints")

from answers import answers
from rows import KEYS, Table, read

PATIENCE_S = 120
PARTITIONS = 4
QUIET = 2  # of Kafka's clients: what goes wrong is told by their answers
DELAYS, DEAD = "carrier-delays", "dead-letters"
NO_ROWS = ["no JSON", "[]", '{"carrier": 7}', '{"time_hour": "noon", "carrier": "UA"}']


class Differs(Exception):
    pass


class Topics:
    """Writes messages and reads topics back."""

    def __init__(self, brokers, create):
        self.brokers, self.sent, self.failed = brokers, 0, []
        self.producer = kafka.Producer({"bootstrap.servers": brokers, "linger.ms": 5,
                                        "log_level": QUIET})
        if create:
            self.create()

    def create(self):
        admin = kafka.admin.AdminClient({"bootstrap.servers": self.brokers, "log_level": QUIET})
        names = [*KEYS, DELAYS, DEAD]
        try:
            admin.list_topics(timeout=10)
            made = admin.create_topics([kafka.admin.NewTopic(name, PARTITIONS) for name in names])
            for done in made.values():
                done.result()
        except kafka.KafkaException as error:
            sys.exit(f"compare.py: topics cannot be made at {self.brokers}: {error.args[0].str()}")

    def delivered(self, error, message):
        if error:
            self.failed.append(f"{message.topic()}: {error.str()}")

    def send(self, messages):
        for topic, key, value in messages:
            while True:
                try:
                    self.producer.produce(topic, value, key, on_delivery=self.delivered)
                    break
                except BufferError:
                    self.producer.poll(1)
        left = self.producer.flush(PATIENCE_S)
        if left or self.failed:
            sys.exit(f"compare.py: {left} messages are not written; {self.failed[:3]}")
        self.sent += len(messages)

    def read(self, topic):
        """All messages, those of a key in their order."""
        consumer = kafka.Consumer({"bootstrap.servers": self.brokers, "group.id": "compare",
                                   "enable.partition.eof": True, "log_level": QUIET})
        consumer.assign([kafka.TopicPartition(topic, p, kafka.OFFSET_BEGINNING)
                         for p in range(PARTITIONS)])
        found, ended = [], 0
        while ended < PARTITIONS:
            message = consumer.poll(PATIENCE_S)
            if message is None:
                sys.exit(f"compare.py: topic {topic} cannot be read to its end")
            if message.error() and message.error().code() == kafka.KafkaError._PARTITION_EOF:
                ended += 1
            elif message.error():
                sys.exit(f"compare.py: topic {topic}: {message.error().str()}")
            else:
                found.append(message)
        consumer.close()
        return found


class Program:
    """flights, as a process that is asked over HTTP."""

    def __init__(self, path, options):
        command = [path, "--http", "0", "--workers", str(options.workers)]
        if options.brokers:
            command += ["--brokers", options.brokers]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.url = self.told(self.process.stderr, r"listening at (\S+)")
        self.brokers = options.brokers or self.told(self.process.stdout, r"Kafka at (\S+)")
        self.said = collections.deque(maxlen=1000)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        """All that the program says, until it ends: it would wait for room in a full pipe."""
        self.said.extend(self.process.stderr)

    def last_words(self):
        self.reader.join(PATIENCE_S)
        return "".join(self.said)

    def told(self, stream, pattern):
        said = ""
        for line in stream:
            said += line
            match = re.search(pattern, line)
            if match:
                return match.group(1)
        sys.exit(f"compare.py: the program ended and said: {said}{self.process.stderr.read()}")

    def get(self, path):
        try:
            return urllib.request.urlopen(self.url + path, timeout=PATIENCE_S).read().decode()
        except urllib.error.HTTPError as error:
            if error.code == 503:  # the view is not complete at any time yet
                return '{"records": []}'
            raise
        except OSError as error:
            if self.process.poll() is None:
                raise
            sys.exit(f"compare.py: the program ended with status {self.process.returncode}: "
                     f"{error}\n{self.last_words()}")

    def has_read(self):
        return sum(int(value) for value in
                   re.findall(r"(?m)^weir_kafka_read_messages_total\{.*\} (\d+)$",
                              self.get("/metrics")))

    def rows(self, view):
        answer = json.loads(self.get(f"/views/{view}?limit=100000"))
        return as_lines(answer["records"])

    def end(self):
        self.process.send_signal(signal.SIGINT)
        if self.process.wait(PATIENCE_S) != 0:
            raise Differs(f"it ended with status {self.process.returncode}: {self.last_words()}")


def as_lines(rows):
    """In an order, and texts, so that rows can be compared; 1 and 1.0 are one number."""
    return sorted(json.dumps({name: float(value) if isinstance(value, int) else value
                              for name, value in row.items()}, sort_keys=True) for row in rows)


def first_difference(view, ours, theirs):
    """One line that says how a view differs, or None."""
    if ours == theirs:
        return None
    only = [line for line in ours if line not in theirs][:1]
    missing = [line for line in theirs if line not in ours][:1]
    return (f"{view}: {len(ours)} rows, Polars has {len(theirs)}; it has {only}, "
            f"Polars has {missing}")


def wait_until_right(what):
    """Until it returns no sentence that says what is wrong."""
    end = time.monotonic() + PATIENCE_S
    while True:
        wrong = what()
        if not wrong:
            return
        if time.monotonic() > end:
            raise Differs(wrong)
        time.sleep(0.02)


def compare_views(program, topics, expected):
    count = program.has_read()
    if count < topics.sent:  # what is as expected before may be so by chance
        return f"of {topics.sent} messages it has read {count}"
    different = [first_difference(view, program.rows(view), rows)
                 for view, rows in expected.items()]
    return "\n".join(text for text in different if text)


def compare_topic(topics, rows):
    """The newest messages of the topic that the program writes."""
    newest = {message.key(): message.value() for message in topics.read(DELAYS)}
    written = as_lines(json.loads(value) for value in newest.values() if value is not None)
    return first_difference("topic " + DELAYS, written, rows)


def compare_dead_letters(topics):
    told = sorted((message.value() or b"").decode() for message in topics.read(DEAD)
                  if dict(message.headers())["weir-topic"] == b"flights")
    return told != sorted(NO_ROWS) and f"topic {DEAD}: {told}, and not {sorted(NO_ROWS)}"


# ---- the moments

def load(options):
    """Frames by topic: of flights and weather, what the options name, in the order of time."""
    frames = {name: read(name) for name in KEYS}
    if options.days:
        end = datetime.date(2013, 1, 1) + datetime.timedelta(days=options.days)
        for name in ("flights", "weather"):
            frames[name] = frames[name].filter(
                pl.date("year", "month", "day") < pl.lit(end))
    frames["flights"] = frames["flights"].gather_every(options.every).sort("time_hour")
    return frames


def some(table, fraction, chance):
    keys = sorted(table.rows)
    return chance.sample(keys, int(len(keys) * fraction))


def correct(tables, chance):
    """Flights leave later, or not at all; planes were made by others; it was colder and drier."""
    for key in some(tables["flights"], 0.1, chance):
        row = dict(tables["flights"].rows[key])
        later = chance.choice([None, 7, 60])
        for column in ("dep_delay", "arr_delay"):
            known = later is not None and row[column] is not None
            row[column] = row[column] + later if known else None
        tables["flights"].put(row)
    for key in some(tables["planes"], 0.1, chance):
        tables["planes"].put({**tables["planes"].rows[key], "manufacturer": "CESSNA",
                              "year": chance.choice([None, 1999])})
    for key in some(tables["weather"], 0.2, chance):
        row = tables["weather"].rows[key]
        tables["weather"].put({**row, "precip": 0.0, "visib": 2.0, "temp": None})
    tables["airlines"].put({"carrier": "UA", "name": "Untied"})


def withdraw(tables, chance):
    gone = {}
    for name, fraction in (("flights", 0.4), ("weather", 0.3), ("planes", 0.3), ("airports", 0.5),
                           ("airlines", 0.2)):
        gone[name] = [tables[name].rows[key] for key in some(tables[name], fraction, chance)]
        for row in gone[name]:
            tables[name].remove("/".join(str(row[column]) for column in KEYS[name]))
    return gone


def moments(tables, frames, chance):
    """Changes the tables, and says what it did, once for each moment."""
    half = len(frames["flights"]) // 2
    for name in ("airlines", "airports", "planes"):
        for row in frames[name].iter_rows(named=True):
            tables[name].put(row)
    for row in frames["flights"][:half].iter_rows(named=True):
        tables["flights"].put(row)
    yield "half of the flights, no weather"
    for name, rest in (("weather", frames["weather"]), ("flights", frames["flights"][half:])):
        for row in rest.iter_rows(named=True):
            tables[name].put(row)
    yield "all flights, the weather"
    correct(tables, chance)
    yield "corrections"
    gone = withdraw(tables, chance)
    yield "much is withdrawn"
    for name, rows in gone.items():
        for row in rows:
            tables[name].put(row)
    yield "what was withdrawn is back"


def run(options):
    messages, chance = [], random.Random(13)
    frames = load(options)
    tables = {name: Table(name, frames[name].schema, messages) for name in KEYS}
    topics = Topics(options.brokers, create=True) if options.brokers else None
    program = Program(options.program, options)
    with contextlib.ExitStack() as at_end:
        at_end.callback(program.process.kill)  # does nothing once it has ended
        topics = topics or Topics(program.brokers, create=False)
        for number, moment in enumerate(moments(tables, frames, chance)):
            started = time.monotonic()
            if number == 1:
                messages += [("flights", "no row", text) for text in NO_ROWS]
            topics.send(messages)
            count = len(messages)
            messages.clear()
            computed = answers({name: table.frame() for name, table in tables.items()})
            expected = {view: as_lines(frame.to_dicts()) for view, frame in computed.items()}
            wait_until_right(lambda: compare_views(program, topics, expected))
            print(f"{moment}: {count} messages, {len(tables['flights'].rows)} flights, "
                  f"{sum(len(rows) for rows in expected.values())} rows are as Polars has them, "
                  f"{time.monotonic() - started:.1f} s", flush=True)
        wait_until_right(lambda: compare_topic(topics, expected["carrier_delays"]))
        wait_until_right(lambda: compare_dead_letters(topics))
        program.end()
        print(f"{len(NO_ROWS)} messages that are no rows were told, the topic {DELAYS} is right")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("program")
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--brokers")
    parser.add_argument("--workers", type=int, default=2)
    try:
        run(parser.parse_args())
    except Differs as differs:
        sys.exit(f"compare.py: {differs}")


if __name__ == "__main__":
    main()
