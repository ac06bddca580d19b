# SPDX-License-Identifier: Apache-2.0
"""The cases: which programs, with which flags. Both sides get the same flags."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    what: str
    program: str              # weir-bench-PROGRAM, and the peer's name for the case
    flags: str
    quick: str                # flags that come after, for --quick
    peer: str = "timely"
    runner: str = "pair"
    cores: int = 0            # 0: all there are
    processes: int = 1        # of a side, over loopback TCP; -w is of each
    # (label, flags that come after, flags of the peer alone): the smallest ratio counts.
    variants: tuple = (("", ""),)
    beside: tuple = ()        # the same, told and not counted
    parts: tuple = ()         # names of the cases that this one consists of
    bare: str = ""            # a program without an engine, with flags: what no side can be below

    def arguments(self, quick):
        return (self.flags + " " + (self.quick if quick else "")).split()


WORKERS = (("1 worker", "-w 1"), ("2 workers", "-w 2"))

COUNT = "--nodes 10000000 --kind "
JOIN = "--records 1000000 --kind "
DEGREES = "--nodes 1000000 --records 5000000 --kind "


def changes(name, what, flags, quick, bare=""):
    """A case of collections, against differential."""
    program = name.split("-", maxsplit=1)[0]
    return Case(name, what, program, flags, quick, peer="differential", variants=WORKERS, bare=bare)


def graph(case, what, name, size, rounds=0):
    """An algorithm on a random graph: loaded, or `name` edges come and as many leave at a time."""
    what = what.format(*(f"{n:,}" for n in size))
    flags = f"--nodes {size[0]} --records {size[1]} --kind "
    if name == "load":
        return Case(f"{case}-load", f"{what}; loading", case, flags + "load",
                    "--nodes 2000 --records 10000", peer="differential", variants=WORKERS)
    return Case(f"{case}-{name}", f"{what}; {name} come and leave", case,
                flags + f"batch --batch {name} --rounds {rounds}",
                "--nodes 2000 --records 10000 --rounds 2", peer="differential", variants=WORKERS)


def graphs(case, what):
    """All sizes of an algorithm."""
    return Case(case, f"{what}: loading, and changes of all sizes", "", "", "",
                peer="differential", runner="several",
                parts=tuple(f"{case}-{size}" for size in ("load", "1", "100", "1000")))


BFS = ("bfs-dd", "distances by 5 M edges")
SCC = ("scc", "strongly connected components of 5 M edges")
PAGERANK = ("pagerank-dd", "PageRank to its fixed point, {} nodes and {} edges")


CASES = {case.name: case for case in [
    Case("barrier-w1", "rounds of an empty feedback loop, 1 worker",
         "barrier", "-w 1 --rounds 2000000", "--rounds 20000"),
    Case("barrier-w2", "rounds of an empty feedback loop, 2 workers",
         "barrier", "-w 2 --rounds 1000000", "--rounds 20000",
         bare="bare-lines --kind barrier"),
    Case("exchange-w2", "1 M random u64 a worker and round, exchanged by hash, 2 workers",
         "exchange", "-w 2 --records 1000000 --rounds 200", "--rounds 5",
         bare="bare-numbers"),
    Case("exchange1-w2", "1 record a worker and round, exchanged and waited for, 2 workers",
         "exchange", "-w 2 --records 1 --rounds 200000", "--rounds 5000",
         bare="bare-lines --kind exchange"),
    Case("barrier-p2", "rounds of an empty feedback loop, 2 processes of 1 worker",
         "barrier", "-w 1 --rounds 200000", "--rounds 5000", processes=2,
         bare="bare-legs --kind barrier"),
    Case("exchange-p2", "1 M random u64 a worker and round, exchanged by hash, 2 processes",
         "exchange", "-w 1 --records 1000000 --rounds 100", "--rounds 5", processes=2),
    Case("exchange1-p2", "1 record a worker and round, exchanged and waited for, 2 processes",
         "exchange", "-w 1 --records 1 --rounds 50000", "--rounds 2000", processes=2,
         bare="bare-legs --kind exchange"),
    Case("progress-bytes", "bytes of progress of 10,000 barrier rounds, 2 processes of 8 workers",
         "barrier", "-w 8 --kind bytes --rounds 10000", "--rounds 1000", processes=2),
    Case("chain100", "u64 through 100 maps, 1 worker",
         "chain", "-w 1 --maps 100 --records 100000 --rounds 100", "--rounds 3"),
    Case("epochs1000", "empty epochs through 1000 nodes that hear of each, 1 worker",
         "epochs", "-w 1 --nodes 1000 --epochs 3000", "--epochs 50"),
    Case("epochs100-w4", "empty epochs through 100 nodes that hear of each, 4 workers on 2 cores",
         "epochs", "-w 4 --nodes 100 --epochs 3000", "--epochs 50", cores=2,
         variants=(("the peer's workers step, as its examples do", "", "--wait step"),),
         beside=(("the peer's workers park", "", "--wait park"),)),
    Case("wordcount-w1", "512 MiB of text in memory, split and counted, 1 worker",
         "wordcount", "-w 1 --mib 512", "--mib 64",
         bare="bare-words"),
    Case("wordcount-w2", "512 MiB of text in memory, split, exchanged and counted, 2 workers",
         "wordcount", "-w 2 --mib 512", "--mib 128",
         bare="bare-words"),
    Case("wordcount-p2", "512 MiB of text in memory, split, exchanged and counted, 2 processes",
         "wordcount", "-w 1 --mib 512", "--mib 128", processes=2,
         bare="bare-words -w 2"),
    Case("wordcount-pointer", "the same against the peer's pointer form, which is for threads only",
         "wordcount", "--mib 512 --kind pointer", "--mib 128", variants=WORKERS),
    Case("loop-w1", "one record round a loop, 1 worker",
         "loop", "-w 1 --rounds 1000000", "--rounds 10000"),
    Case("loop-w2", "one record round a loop, exchanged each time, 2 workers",
         "loop", "-w 2 --rounds 200000", "--rounds 5000"),
    Case("event-driven", "1000 dataflows of 10 maps, one record into one of them a round, 1 worker",
         "event-driven", "-w 1 --dataflows 1000 --maps 10 --rounds 200000",
         "--dataflows 20 --rounds 2000"),
    Case("build", "time to build 1000 dataflows of 1000 operators, 1 worker",
         "build", "-w 1 --dataflows 1000 --nodes 1000", "--dataflows 10",
         variants=(("maps", "--kind maps"), ("nodes", "--kind nodes"))),
    Case("pagerank", "100,000 nodes, 1 M edges, then 1000 changes of an edge, to the fixed point",
         "pagerank", "--nodes 100000 --records 1000000 --rounds 1000",
         "--nodes 1000 --records 10000 --rounds 10", variants=WORKERS,
         bare="bare-ranks"),
    Case("bfs", "2 M nodes, 20 M edges, from one root",
         "bfs", "--nodes 2000000 --records 20000000", "--nodes 20000 --records 200000",
         variants=WORKERS),
    Case("unionfind", "components of 5 M nodes, 10 M edges as they come",
         "unionfind", "--nodes 5000000 --records 10000000 --batch 10000",
         "--nodes 5000 --records 20000", variants=WORKERS),
    Case("hashjoin", "two streams of 5 M rows with 1 M keys, every match",
         "hashjoin", "--nodes 1000000 --records 5000000 --batch 100000",
         "--nodes 10000 --records 100000 --batch 10000", variants=WORKERS),
    Case("openloop", "10 M records a second whatever happens, 2 workers; latency at p99",
         "openloop", "-w 2 --rate 10000000 --seconds 8", "--rate 1000000 --seconds 1",
         bare="pauses"),
    changes("count-load", "10 M keys, how often each is there; loading",
            COUNT + "load", "--nodes 100000", bare="bare-keys --kind count"),
    changes("count-1", "10 M keys, how often each is there; a random key comes",
            COUNT + "batch --batch 1 --rounds 20000", "--nodes 100000 --rounds 100"),
    changes("count-1k", "10 M keys, how often each is there; 1000 random keys come",
            COUNT + "batch --batch 1000 --rounds 1000", "--nodes 100000 --rounds 10"),
    changes("count-1m", "10 M keys, how often each is there; 1 M random keys come",
            COUNT + "batch --batch 1000000 --rounds 9", "--nodes 100000 --rounds 3"),
    changes("degrees-load", "how many of 1 M nodes have how many of 5 M edges; loading",
            DEGREES + "load", "--nodes 10000 --records 50000"),
    changes("degrees-1", "how many of 1 M nodes have how many of 5 M edges; one comes, one leaves",
            DEGREES + "batch --batch 1 --rounds 20000",
            "--nodes 10000 --records 50000 --rounds 100"),
    changes("degrees-100", "how many of 1 M nodes have how many of 5 M edges; 100 come and leave",
            DEGREES + "batch --batch 100 --rounds 3000",
            "--nodes 10000 --records 50000 --rounds 10"),
    changes("degrees-100k", "how many of 1 M nodes have how many of 5 M edges; 100,000 come and "
            "leave", DEGREES + "batch --batch 100000 --rounds 20",
            "--nodes 10000 --records 50000 --rounds 3"),
    graph(*BFS, "load", (1000000, 5000000)),
    graph(*BFS, "1", (1000000, 5000000), 300),
    graph(*BFS, "100", (1000000, 5000000), 60),
    graph(*BFS, "1000", (1000000, 5000000), 15),
    graph(*SCC, "load", (1000000, 5000000)),
    graph(*SCC, "1", (1000000, 5000000), 50),
    graph(*SCC, "100", (1000000, 5000000), 30),
    graph(*SCC, "1000", (1000000, 5000000), 10),
    graph(*PAGERANK, "load", (100000, 500000)),
    graph(*PAGERANK, "1", (3000, 15000), 4),
    graph(*PAGERANK, "100", (3000, 15000), 4),
    graph(*PAGERANK, "1000", (3000, 15000), 4),
    graphs("bfs-dd", "distances"),
    graphs("scc", "strongly connected components"),
    graphs("pagerank-dd", "PageRank to its fixed point"),
    changes("iterate", "a fixed point of 20,000 rounds with one record",
            "--rounds 20000", "--rounds 500"),
    changes("join-load", "two sides of 1 M rows, each key once; loading",
            JOIN + "load", "--records 10000", bare="bare-keys --kind join"),
    changes("join-1", "two sides of 1 M rows, each key once; a row comes, one leaves",
            JOIN + "batch --batch 1 --rounds 20000", "--records 10000 --rounds 100"),
    changes("join-1k", "two sides of 1 M rows, each key once; 1000 rows come, 1000 leave",
            JOIN + "batch --batch 1000 --rounds 1000", "--records 10000 --rounds 10"),
    changes("join-100k", "two sides of 1 M rows, each key once; 100,000 rows come, 100,000 leave",
            JOIN + "batch --batch 100000 --rounds 20", "--records 10000 --rounds 3"),
    changes("arrange-max", "10 M rows with 10 M keys, arranged; 1 M come and 1 M leave, as fast as "
            "they go", "--nodes 10000000 --records 10000000 --kind load --batch 1000000 --rounds 5",
            "--nodes 10000 --records 10000 --batch 1000"),
    Case("arrange", "10 M rows with 10 M keys, arranged; one comes and one leaves, at 80 % of the "
         "peer's highest rate; latency at p99", "arrange",
         "--nodes 10000000 --records 10000000 --batch 1000000 --rounds 5 --seconds 8",
         "--nodes 10000 --records 10000 --batch 1000 --seconds 1", peer="differential",
         runner="rate", variants=WORKERS),
    Case("memory", "10 M rows of two numbers, loaded and arranged, 1 worker: peak",
         "memory", "-w 1 --records 10000000 --batch 10000", "--records 100000",
         peer="differential"),
    Case("batch", "10 M rows in memory, once, from scratch, 2 workers: sums by key, a join",
         "batch", "-w 2 --records 10000000", "--records 100000 --nodes 1000", peer="",
         runner="batch", variants=(("sums of 1000 keys", "--kind sum --nodes 1000"),
                                   ("sums of 1 M keys", "--kind sum --nodes 1000000"),
                                   ("join with 1 M rows", "--kind join --nodes 1000000"))),
    Case("tpch", "TPC-H as a stream: answers to queries while rows of all tables come",
         "tpch", "", "", peer="tpch", runner="tpch"),
    Case("kafka-read", "5 M messages of 100 bytes from a broker into a count",
         "kafka-read", "-w 1 --messages 5000000", "--messages 100000",
         peer="librdkafka", runner="kafka-read"),
    Case("kafka-wordcount", "5 M words from topic to topic, at least once, counted every 100 ms",
         "kafka-wordcount", "-w 1 --messages 5000000", "--messages 100000",
         peer="flink", runner="kafka-wordcount"),
    Case("scaling", "what a round costs as operators, open times and workers grow",
         "", "", "", runner="scaling"),
    Case("limits", "cases whose floor is near what the machine does without an engine", "", "", "",
         runner="several", parts=("barrier-w2", "exchange1-w2", "exchange-w2", "barrier-p2",
                                  "exchange1-p2", "wordcount-w1", "wordcount-w2", "wordcount-p2",
                                  "pagerank", "openloop", "count-load", "join-load")),
    Case("events", "barrier-w1 with its events, which nobody reads, and built without them",
         "barrier", "-w 1 --rounds 2000000", "--rounds 20000", peer="", runner="events"),
    Case("cost", "idle CPU, memory, start, sizes, latency: no peer",
         "", "", "", peer="", runner="cost"),
]}
