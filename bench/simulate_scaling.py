#!/usr/bin/env python3
"""How a run would scale to 1,000,000 ranks: the work queue played through, unit by unit.

    simulate_scaling.py RESULT.h5 [BENCH.jsonl] [-o FIGURE.png] [--trials T] [--longer F]... [--ranks P]...
    simulate_scaling.py --measured SLEEPERS.jsonl

Takes the measured seconds of every unit from /timing of a result file and the costs of serving from the line
"queue" that bench/run writes, else from src/runtime/scaling.h. The queue is that of src/runtime/queue.c: rank 0
hands out units dearest first and one ahead, keeps the records, rewrites the file every run.checkpoint_seconds (at
most 0.5 % of the time) and computes units of its own, answering between two blocks. Two other designs are played
through where that one falls behind: a tree of counters, and shards that are merged. The same input gives the same
output.

With --measured, runs of units that only sleep are held against the same simulation: the lines are those of
`mpirun -n P mpi_test_load UNITS SECONDS`, tests/mpi/test_load.c; those with 0 seconds tell what serving costs there.
"""
from __future__ import annotations

import argparse
import heapq
import json
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

try:
    import h5py
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    from matplotlib.figure import Figure
except ImportError as missing:
    sys.exit(f"simulate_scaling.py: {sys.executable} has no module '{missing.name}'; "
             "it needs h5py, numpy and matplotlib")

SCALING_H = Path(__file__).resolve().parents[1] / "src" / "runtime" / "scaling.h"
GROUP_SLACK = 1.25  # of mcbe_plan_group_size
ROUND_BLOCKS, IID_BLOCK, PAIRED_SHELLS = 64, 256, 16
AHEAD = 4.0  # of queue.c: nothing is given ahead when what is left keeps the groups busy for less than so many jobs
CHECKPOINT_SHARE = 0.005  # of output.c
RANKS = (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)
LONGER = (1.0, 100.0, 10_000.0)
FALLEN_BEHIND = 0.8  # efficiency below which other designs are looked at
SLEEPER_SPREAD, SLEEPER_BLOCK = 1500.0, 1e-3  # of tests/mpi/test_load.c
SLEEPER_LATENCY = 1.5e-4  # a rank that waits looks for messages every 0.3 ms: half of that


@dataclass(frozen=True)
class Costs:
    """Seconds of rank 0: to answer a question, to keep a record, to write or merge one unit's place in the file; of a
    message."""

    answer: float
    record: float
    build: float
    merge: float
    latency: float
    checkpoint_interval: float


@dataclass(frozen=True)
class Work:
    """Units of one run, dearest first."""

    seconds: np.ndarray
    blocks: float  # of one unit: rank 0 answers between two of them
    rounds: float  # of one unit: a group agrees after each


@dataclass(frozen=True)
class Outcome:
    design: str
    ranks: int
    group: int
    makespan: float
    efficiency: float
    serving: float  # share of the time in which rank 0 answers, keeps records and writes the file
    merge: float = 0.0  # seconds on one core after that


def usual_costs() -> Costs:
    """Those that `mcbe plan` goes by."""
    text = SCALING_H.read_text()
    value = {name: float(re.search(rf"#define MCBE_SERVING_{name} (\S+)", text)[1])
             for name in ("ANSWER", "RECORD", "FILE", "MERGE", "LATENCY")}
    return Costs(value["ANSWER"], value["RECORD"], value["FILE"], value["MERGE"], value["LATENCY"], 30.0)


def read_work(path: Path) -> tuple[Work, float]:
    """The units of a result file, and its checkpoint interval."""
    with h5py.File(path) as file:
        if not file.attrs["complete"]:
            sys.exit(f"simulate_scaling.py: '{path}' is not complete")
        seconds = np.sort(file["timing/seconds"][()].ravel())[::-1]
        text = file["config"].attrs["resolved"]
    settings = dict(line.lstrip("~+* ").split(" = ", 1)
                    for line in text.splitlines() if " = " in line)
    if settings.get("grid.nested") == "true":
        sys.exit(f"simulate_scaling.py: '{path}' has grid.nested: true; the times of its units are not their own")
    samples = float(settings["sampling.samples"])
    paired = settings["sampling.design"] == "paired"
    blocks = math.sqrt(samples) / PAIRED_SHELLS if paired else samples / IID_BLOCK
    work = Work(seconds, max(1.0, blocks), max(1.0, blocks / ROUND_BLOCKS))
    return work, float(settings["run.checkpoint_seconds"])


def read_costs(path: Path) -> Costs:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    queue = next((line for line in lines if line["kind"] == "queue"), None)
    if queue is None:
        sys.exit(f"simulate_scaling.py: '{path}' has no line of kind 'queue'; bench/run writes one")
    return replace(usual_costs(), answer=queue["serve_seconds"] - queue["record_seconds"],
                   record=queue["record_seconds"], build=queue["build_seconds"])


def longer(work: Work, trials: int, factor: float) -> Work:
    """The same sweep with more matrices a cell and more points a matrix."""
    return Work(np.repeat(work.seconds * factor, trials), work.blocks * factor, work.rounds * factor)


def group_size(work: Work, ranks: int) -> int:
    """mcbe_plan_group_size with run.ranks_per_unit: auto."""
    limit = GROUP_SLACK * float(work.seconds.sum()) / ranks
    return min(ranks, ROUND_BLOCKS, max(1, math.ceil(float(work.seconds[0]) / limit)))


def group_seconds(work: Work, costs: Costs, group: int) -> np.ndarray:
    """What units take a group."""
    agreement = work.rounds * 2 * costs.latency * math.ceil(math.log2(group)) if group > 1 else 0.0
    return work.seconds / group + agreement


def outcome(design: str, work: Work, ranks: int, group: int, makespan: float, busy: float) -> Outcome:
    return Outcome(design, ranks, group, makespan, float(work.seconds.sum()) / (ranks * makespan), busy / makespan)


class RankZero:
    """The clock of rank 0, what it has handed out and what it has kept."""

    def __init__(self, seconds: Sequence[float], costs: Costs):
        self.seconds, self.costs = seconds, costs
        self.now = self.busy = 0.0
        self.next = self.kept = 0
        self.left = float(sum(seconds))  # what has not been handed out
        self.next_checkpoint = costs.checkpoint_interval

    def spend(self, seconds: float) -> None:
        self.now += seconds
        self.busy += seconds

    def take(self) -> float | None:
        if self.next == len(self.seconds):
            return None
        self.next += 1
        self.left -= self.seconds[self.next - 1]
        return self.seconds[self.next - 1]

    def keep(self) -> None:
        self.spend(self.costs.record)
        self.kept += 1

    def tick(self) -> None:
        if self.now >= self.next_checkpoint:
            took = self.costs.build * self.kept
            self.spend(took)
            self.next_checkpoint = self.now + max(self.costs.checkpoint_interval,
                                                  took * (1 - CHECKPOINT_SHARE) / CHECKPOINT_SHARE)


def simulate(work: Work, costs: Costs, ranks: int, group: int | None = None) -> Outcome:
    """The queue as it is: one counter, one writer, which computes, too."""
    group = group or group_size(work, ranks)
    groups = ranks // group
    root = RankZero(group_seconds(work, costs, group).tolist(), costs)
    block = float(work.seconds.mean()) / group / work.blocks
    # questions: arrival, who, with a record?  Of a leader: jobs in hand or ahead, the last one's seconds, and when it
    # will have done all of them
    questions = [(costs.latency, leader, False) for leader in range(groups - 1)]
    jobs, last, free = [0] * groups, [0.0] * groups, [0.0] * groups

    def hand_out(leader: int) -> None:
        unit = root.take()
        root.spend(costs.answer)
        if unit is not None:
            jobs[leader] += 1
            last[leader] = unit
            free[leader] = max(free[leader], root.now + costs.latency) + unit
            heapq.heappush(questions, (free[leader] + costs.latency, leader, True))

    own = root.take()
    while questions or own is not None:
        while questions and questions[0][0] <= root.now:
            _, leader, finished = heapq.heappop(questions)
            jobs[leader] -= finished
            if jobs[leader] == 0:
                hand_out(leader)
            if jobs[leader] == 1 and root.left > AHEAD * last[leader] * groups:
                hand_out(leader)
            if finished:
                root.keep()
        root.tick()
        arrival = questions[0][0] if questions else math.inf
        if own is None:
            root.now = max(root.now, arrival) if questions else root.now
            continue
        # whole blocks until somebody asks
        step = min(own, max(1.0, math.ceil((arrival - root.now) / block)) * block) \
            if block > 0 and arrival < root.now + own else own
        root.now += step
        own -= step
        if own <= 0.0:
            root.keep()
            own = root.take()
    root.spend(costs.build * root.kept)
    return outcome("one counter", work, ranks, group, root.now, root.busy)


def simulate_tree(work: Work, costs: Costs, ranks: int) -> Outcome:
    """A counter for every so many groups, which answers them from a stock of units and passes bundles of records on;
    rank 0 refills stocks and keeps the records. Neither computes. Not built."""
    group = group_size(work, ranks)
    groups = max(1, ranks // group)
    counters = max(1, math.isqrt(groups))
    seconds = group_seconds(work, costs, group).tolist()
    bundle = max(1, len(seconds) // (20 * counters))
    taken = 0
    root_free = root_busy = end = 0.0
    free = [0.0] * counters
    stock: list[list[float]] = [[] for _ in range(counters)]
    records = [0] * counters
    questions = [(costs.latency, leader, False) for leader in range(groups)]
    while questions:
        arrival, leader, finished = heapq.heappop(questions)
        counter = leader % counters
        now = max(arrival, free[counter]) + costs.answer
        if not stock[counter] and taken < len(seconds):
            # towards the end of the list stocks are small, so that nobody sits on units
            many = max(1, min(bundle, (len(seconds) - taken) // (4 * counters)))
            root_free = max(root_free, now + costs.latency) + costs.answer
            root_busy += costs.answer
            stock[counter] = seconds[taken:taken + many][::-1]
            taken += many
            now = root_free + costs.latency
        if stock[counter]:
            heapq.heappush(questions, (now + stock[counter].pop() + 2 * costs.latency, leader, True))
        free[counter] = now
        records[counter] += finished
        if records[counter] >= bundle or (records[counter] and taken == len(seconds) and not stock[counter]):
            root_free = max(root_free, now + costs.latency) + records[counter] * costs.record
            root_busy += records[counter] * costs.record
            records[counter] = 0
        end = max(end, now)
    file = costs.build * len(seconds)
    return outcome(f"tree of {counters:,} counters", work, ranks, group, max(end, root_free) + file, root_busy + file)


def simulate_shards(work: Work, costs: Costs, ranks: int) -> Outcome:
    """Runs side by side, each with a rank 0 that is busy half of the time at most, and one merge of all."""
    serving = (costs.answer + costs.record) * len(work.seconds)
    saturation = float(work.seconds.sum()) / serving
    shards = min(ranks, math.ceil(2 * ranks / saturation))
    own = Work(work.seconds[::shards], work.blocks, work.rounds)
    one = simulate(own, costs, ranks // shards)
    merge = costs.merge * len(work.seconds)  # on one core, when the ranks have gone home
    efficiency = float(work.seconds.sum()) / (ranks * one.makespan + merge)
    return Outcome(f"{shards:,} shards", ranks, one.group, one.makespan, efficiency, one.serving, merge)


def designs(work: Work, costs: Costs, ranks: int) -> list[Outcome]:
    found = [simulate(work, costs, ranks)]
    if ranks > 1 and found[0].efficiency < FALLEN_BEHIND:
        found.append(simulate_tree(work, costs, ranks))
        if found[0].serving > 0.5:
            found.append(simulate_shards(work, costs, ranks))
    return found


def sleepers(units: int, seconds: float) -> Work:
    """The units of tests/mpi/test_load.c."""
    shares = np.minimum(units / (np.arange(units) + 0.5), SLEEPER_SPREAD)
    each = shares / shares.sum() * seconds
    return Work(each, max(1.0, float(each.mean()) / SLEEPER_BLOCK), 1.0)


def compare(path: Path) -> None:
    """Measured runs of sleeping units and what the simulation says of them."""
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]
    idle = {line["ranks"]: line["wall"] / line["units"] for line in lines if line["seconds"] == 0}
    if 1 not in idle:
        sys.exit(f"simulate_scaling.py: '{path}' has no run of 0 seconds on 1 rank, which tells what records cost")
    print(f"a record and its place in the file: {1e6 * idle[1]:.0f} us\n")
    print("| ranks | units | mean unit | serving a unit | ideal | simulated | measured | measured / simulated |")
    print("|---|---|---|---|---|---|---|---|")
    for line in lines:
        if line["seconds"] == 0:
            continue
        work, ranks = sleepers(line["units"], line["seconds"]), line["ranks"]
        serve = idle.get(ranks, idle[1])
        costs = Costs(max(serve - idle[1], 0.0), idle[1], 0.0, 0.0, SLEEPER_LATENCY, 1e9)
        wall = simulate(work, costs, ranks, 1).makespan
        ideal = max(line["seconds"] / ranks, float(work.seconds[0]))
        print(f"| {ranks} | {line['units']:,} | {1e3 * work.seconds.mean():.3g} ms | {1e6 * serve:.0f} us | {ideal:.2f} s | "
              f"{wall:.2f} s | {line['wall']:.2f} s | {line['wall'] / wall:.2f} |")


def draw(path: Path, curves: dict[str, list[Outcome]]) -> None:
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    styles = {"one counter": ("-", "o"), "tree": (":", "^"), "shards": ("--", "s")}
    for number, (label, outcomes) in enumerate(curves.items()):
        for design, (line, marker) in styles.items():
            points = [o for o in outcomes if design in o.design]
            axes.plot([o.ranks for o in points], [o.efficiency for o in points], line, color=f"C{number}", marker=marker,
                      markersize=4, label=f"{label}, {design}" if points else None)
    axes.set(xscale="log", xlabel="ranks", ylabel="parallel efficiency", ylim=(0, 1.05),
             title="Phase diagram, work queue simulated from measured costs")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="x-small", loc="lower left")
    figure.savefig(path, dpi=150, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("result", type=Path, nargs="?")
    parser.add_argument("bench", type=Path, nargs="?", help="default: the costs in src/runtime/scaling.h")
    parser.add_argument("-o", "--output", type=Path, help="default: RESULT-scaling.png")
    parser.add_argument("--trials", type=int, default=100, help="matrices a cell (default 100)")
    parser.add_argument("--longer", type=float, action="append",
                        help=f"points a matrix, as a multiple of the file's (default {LONGER})")
    parser.add_argument("--ranks", type=int, action="append", help=f"default {RANKS}")
    parser.add_argument("--measured", type=Path, help="runs of sleeping units to compare with instead")
    arguments = parser.parse_args()
    if arguments.measured:
        compare(arguments.measured)
        return
    if not arguments.result:
        parser.error("a result file, or --measured, is needed")
    work, interval = read_work(arguments.result)
    costs = replace(read_costs(arguments.bench) if arguments.bench else usual_costs(), checkpoint_interval=interval)
    print(f"rank 0: {1e6 * costs.answer:.1f} us an answer, {1e6 * costs.record:.1f} us a record, "
          f"{1e6 * costs.build:.1f} us a unit and file\n")
    print("| mean unit | units | ranks | ranks a unit | design | wall time | efficiency | rank 0 serving |")
    print("|---|---|---|---|---|---|---|---|")
    curves: dict[str, list[Outcome]] = {}
    for factor in arguments.longer or LONGER:
        scaled = longer(work, arguments.trials, factor)
        mean = float(scaled.seconds.mean())
        outcomes = [found for ranks in arguments.ranks or RANKS for found in designs(scaled, costs, ranks)]
        curves[f"{mean:.3g} s a unit"] = outcomes
        for found in outcomes:
            print(f"| {mean:.3g} s | {len(scaled.seconds):,} | {found.ranks:,} | {found.group} | {found.design} | "
                  f"{found.makespan:.3g} s{f' + {found.merge:.3g} s' if found.merge else ''} | {found.efficiency:.3f} | {found.serving:.3f} |", flush=True)
    output = arguments.output or arguments.result.with_name(arguments.result.stem + "-scaling.png")
    draw(output, curves)
    print(f"\nwrote {output}")


if __name__ == "__main__":
    main()
