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

    def arguments(self, quick):
        return (self.flags + " " + (self.quick if quick else "")).split()


CASES = {case.name: case for case in [
    Case("barrier-w1", "rounds of an empty feedback loop, 1 worker",
         "barrier", "-w 1 --rounds 2000000", "--rounds 20000"),
    Case("barrier-w2", "rounds of an empty feedback loop, 2 workers",
         "barrier", "-w 2 --rounds 1000000", "--rounds 20000"),
    Case("exchange-w2", "1 M random u64 a worker and round, exchanged by hash, 2 workers",
         "exchange", "-w 2 --records 1000000 --rounds 200", "--rounds 5"),
    Case("exchange1-w2", "1 record a worker and round, exchanged and waited for, 2 workers",
         "exchange", "-w 2 --records 1 --rounds 200000", "--rounds 5000"),
    Case("chain100", "u64 through 100 maps, 1 worker",
         "chain", "-w 1 --maps 100 --records 100000 --rounds 100", "--rounds 3"),
    Case("epochs1000", "empty epochs through 1000 nodes that hear of each, 1 worker",
         "epochs", "-w 1 --nodes 1000 --epochs 3000", "--epochs 50"),
    Case("epochs100-w4", "empty epochs through 100 nodes that hear of each, 4 workers on 2 cores",
         "epochs", "-w 4 --nodes 100 --epochs 5000", "--epochs 50", cores=2),
    Case("wordcount-w1", "512 MiB of text in memory, split and counted, 1 worker",
         "wordcount", "-w 1 --mib 512", "--mib 64"),
    Case("wordcount-w2", "512 MiB of text in memory, split, exchanged and counted, 2 workers",
         "wordcount", "-w 2 --mib 512", "--mib 128"),
    Case("kafka-read", "5 M messages of 100 bytes from a broker into a count",
         "kafka-read", "-w 1 --messages 5000000", "--messages 100000",
         peer="librdkafka", runner="kafka-read"),
    Case("kafka-wordcount", "5 M words from topic to topic, at least once, counted every 100 ms",
         "kafka-wordcount", "-w 1 --messages 5000000", "--messages 100000",
         peer="flink", runner="kafka-wordcount"),
    Case("cost", "idle CPU, memory, start, sizes, latency: no peer",
         "", "", "", peer="", runner="cost"),
]}
