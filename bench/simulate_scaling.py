#!/usr/bin/env python3
"""How a run would scale to 100,000 ranks: the work queue played through, unit by unit.

    simulate_scaling.py RESULT.h5 BENCH.jsonl [-o FIGURE.png] [--trials T] [--longer F]... [--ranks P]...

Takes the measured seconds of every unit from /timing of a result file and the measured costs of
serving from the line "queue" that bench/run writes. The queue is that of src/runtime/queue.c: rank 0
hands out units dearest first, keeps the records, rewrites the file every run.checkpoint_seconds and
computes units of its own, answering between two blocks. The same input gives the same output.
"""
from __future__ import annotations

import argparse
import heapq
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
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

GROUP_SLACK = 1.25  # of mcbe_plan_group_size
ROUND_BLOCKS, IID_BLOCK, PAIRED_SHELLS = 64, 256, 16
LATENCY = 2e-6  # of one message between nodes; a usual value, not measured here
RANKS = (1, 10, 100, 1000, 10_000, 100_000)
LONGER = (1.0, 100.0, 10_000.0)


@dataclass(frozen=True)
class Costs:
    """Seconds of rank 0: to answer a question, to keep a record, to write one unit into the file."""

    answer: float
    record: float
    build: float
    checkpoint_interval: float


@dataclass(frozen=True)
class Work:
    """Units of one run, dearest first."""

    seconds: np.ndarray
    blocks: float  # of one unit: rank 0 answers between two of them
    rounds: float  # of one unit: a group agrees after each


@dataclass(frozen=True)
class Outcome:
    ranks: int
    group: int
    makespan: float
    efficiency: float
    serving: float  # share of the time in which rank 0 answers, keeps records and writes the file


def read_work(path: Path) -> tuple[Work, float]:
    """The units of a result file, and its checkpoint interval."""
    with h5py.File(path) as file:
        if not file.attrs["complete"]:
            sys.exit(f"simulate_scaling.py: '{path}' is not complete")
        seconds = np.sort(file["timing/seconds"][()].ravel())[::-1]
        text = file["config"].attrs["resolved"]
    settings = dict(line.lstrip("~+ ").split(" = ", 1)
                    for line in text.splitlines() if " = " in line)
    if settings.get("grid.nested") == "true":
        sys.exit(f"simulate_scaling.py: '{path}' has grid.nested: true; the times of its units are not their own")
    samples = float(settings["sampling.samples"])
    paired = settings["sampling.design"] == "paired"
    blocks = math.sqrt(samples) / PAIRED_SHELLS if paired else samples / IID_BLOCK
    work = Work(seconds, max(1.0, blocks), max(1.0, blocks / ROUND_BLOCKS))
    return work, float(settings["run.checkpoint_seconds"])


def read_costs(path: Path, checkpoint_interval: float) -> Costs:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    queue = next((line for line in lines if line["kind"] == "queue"), None)
    if queue is None:
        sys.exit(f"simulate_scaling.py: '{path}' has no line of kind 'queue'; bench/run writes one")
    return Costs(queue["serve_seconds"] - queue["record_seconds"], queue["record_seconds"],
                 queue["build_seconds"], checkpoint_interval)


def longer(work: Work, trials: int, factor: float) -> Work:
    """The same sweep with more matrices a cell and more points a matrix."""
    return Work(np.repeat(work.seconds * factor, trials), work.blocks * factor, work.rounds * factor)


def group_size(work: Work, ranks: int) -> int:
    """mcbe_plan_group_size with run.ranks_per_unit: auto."""
    limit = GROUP_SLACK * float(work.seconds.sum()) / ranks
    return min(ranks, max(1, math.ceil(float(work.seconds[0]) / limit)))


class RankZero:
    """The clock of rank 0, what it has handed out and what it has kept."""

    def __init__(self, seconds: Sequence[float], costs: Costs):
        self.seconds, self.costs = seconds, costs
        self.now = self.busy = 0.0
        self.next = self.kept = 0
        self.next_checkpoint = costs.checkpoint_interval

    def spend(self, seconds: float) -> None:
        self.now += seconds
        self.busy += seconds

    def take(self) -> float | None:
        if self.next == len(self.seconds):
            return None
        self.next += 1
        return self.seconds[self.next - 1]

    def keep(self) -> None:
        self.spend(self.costs.record)
        self.kept += 1

    def tick(self) -> None:
        if self.now >= self.next_checkpoint:
            self.spend(self.costs.build * self.kept)
            self.next_checkpoint = self.now + self.costs.checkpoint_interval


def simulate(work: Work, costs: Costs, ranks: int) -> Outcome:
    group = group_size(work, ranks)
    leaders = ranks // group - 1  # besides rank 0
    agreement = work.rounds * 2 * LATENCY * math.ceil(math.log2(group)) if group > 1 else 0.0
    root = RankZero((work.seconds / group + agreement).tolist(), costs)
    block = float(work.seconds.mean()) / work.blocks
    questions = [(LATENCY, leader, False) for leader in range(leaders)]  # arrival, who, with a record?
    own = root.take()
    while questions or own is not None:
        while questions and questions[0][0] <= root.now:
            _, leader, finished = heapq.heappop(questions)
            unit = root.take()
            root.spend(costs.answer)
            if unit is not None:
                heapq.heappush(questions, (root.now + unit + 2 * LATENCY, leader, True))
            if finished:
                root.keep()
        root.tick()
        arrival = questions[0][0] if questions else math.inf
        if own is None:
            root.now = max(root.now, arrival) if questions else root.now
            continue
        # whole blocks until somebody asks
        step = min(own, max(1.0, math.ceil((arrival - root.now) / block)) * block) \
            if arrival < root.now + own else own
        root.now += step
        own -= step
        if own <= 0.0:
            root.keep()
            own = root.take()
    root.spend(costs.build * root.kept)
    return Outcome(ranks, group, root.now, float(work.seconds.sum()) / (ranks * root.now),
                   root.busy / root.now)


def draw(path: Path, curves: dict[str, list[Outcome]]) -> None:
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for label, outcomes in curves.items():
        axes.plot([outcome.ranks for outcome in outcomes],
                  [outcome.efficiency for outcome in outcomes], marker="o", markersize=4, label=label)
    axes.set(xscale="log", xlabel="ranks", ylabel="parallel efficiency", ylim=(0, 1.05),
             title="Phase diagram, work queue simulated from measured costs")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small", loc="lower left")
    figure.savefig(path, dpi=150, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("result", type=Path)
    parser.add_argument("bench", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="default: RESULT-scaling.png")
    parser.add_argument("--trials", type=int, default=100, help="matrices a cell (default 100)")
    parser.add_argument("--longer", type=float, action="append",
                        help=f"points a matrix, as a multiple of the file's (default {LONGER})")
    parser.add_argument("--ranks", type=int, action="append", help=f"default {RANKS}")
    arguments = parser.parse_args()
    work, interval = read_work(arguments.result)
    costs = read_costs(arguments.bench, interval)
    print(f"rank 0: {1e6 * costs.answer:.1f} us an answer, {1e6 * costs.record:.1f} us a record, "
          f"{1e6 * costs.build:.1f} us a unit and file\n")
    print("| mean unit | units | ranks | ranks a unit | wall time | efficiency | rank 0 serving |")
    print("|---|---|---|---|---|---|---|")
    curves: dict[str, list[Outcome]] = {}
    for factor in arguments.longer or LONGER:
        scaled = longer(work, arguments.trials, factor)
        mean = float(scaled.seconds.mean())
        outcomes = [simulate(scaled, costs, ranks) for ranks in arguments.ranks or RANKS]
        curves[f"mean unit {mean:.3g} s"] = outcomes
        for outcome in outcomes:
            print(f"| {mean:.3g} s | {len(scaled.seconds):,} | {outcome.ranks:,} | {outcome.group} | "
                  f"{outcome.makespan:.3g} s | {outcome.efficiency:.3f} | {outcome.serving:.3f} |")
    output = arguments.output or arguments.result.with_name(arguments.result.stem + "-scaling.png")
    draw(output, curves)
    print(f"\nwrote {output}")


if __name__ == "__main__":
    main()
