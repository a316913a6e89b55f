#!/usr/bin/env python3
"""What alpha* in every batch costs while a network trains, beside the training itself and plain PyTorch.

    torch_overhead.py [--n 784] [--m 1568] [--batch 128] [--samples 1000] [--repeat 15] [--threads 1]

A network n - m - 10 on random numbers of MNIST's shape; one batch is forward, loss, backward and an Adam
step, with mcbe.torch.keep_memory, without which the kernel's share outweighs all else. Beside it the same with the
penalty in its loss: by libmcbe with crossed points of small and of ordinary blocks and with independent points, and in
PyTorch alone with independent points (product, n-th largest, minimum, gather). All take turns, so that what else the
machine does meets all of them. Prints one JSON line with CPU milliseconds a batch, medians and minima; what the penalty
adds, as a share of the training (of medians); and what of that finding alpha* takes.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Optional


def cpu_name() -> str:
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def milliseconds(action: Callable[[], Any]) -> float:
    started = time.process_time()
    action()
    return 1e3 * (time.process_time() - started)


def summary(times: list[float]) -> dict[str, float]:
    return {"median_ms": round(statistics.median(times), 2), "min_ms": round(min(times), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    for name, value in (("n", 784), ("m", 1568), ("batch", 128), ("samples", 1000), ("repeat", 15), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # read while the libraries are loaded
        os.environ[variable] = str(options.threads)
    try:
        import torch

        import mcbe
        from mcbe.torch import InjectivityPenalty, keep_memory
    except ImportError as error:
        sys.exit(f"torch_overhead.py: {error}")
    torch.set_num_threads(options.threads)
    keep_memory()
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(options.n, options.m), torch.nn.ReLU(), torch.nn.Linear(options.m, 10))
    layer, sigma = net[0], 0.3
    data = torch.randn(10_000, options.n)
    target = torch.randint(10, (options.batch,))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    cross_entropy = torch.nn.CrossEntropyLoss()

    def train(penalty: Optional[Callable[[], Any]] = None) -> None:
        optimizer.zero_grad()
        loss = cross_entropy(net(data[:options.batch]), target)
        if penalty is not None:
            loss = loss + 0.1 * penalty()
        loss.backward()
        optimizer.step()

    def plain() -> Any:
        """Independent points; a row's minimum over the points at which it is among the n largest."""
        weight, alpha = layer.weight, -layer.bias
        with torch.no_grad():
            points = data[torch.randint(len(data), (options.samples,))] + sigma * torch.randn(options.samples, options.n)
            c = points @ weight.T
            least = c.topk(options.n, dim=1, sorted=False).values.amin(dim=1, keepdim=True)
            witness = c.masked_fill(c < least, float("inf")).argmin(dim=0)
        excess = torch.relu(alpha - (weight * points[witness]).sum(dim=1))
        return torch.linalg.vector_norm(excess)

    line = {name: getattr(options, name) for name in ("n", "m", "batch", "samples", "repeat", "threads")}
    line.update(cpu=cpu_name(), load=round(os.getloadavg()[0], 2), torch=torch.__version__, mcbe=mcbe.__version__)
    designs = ("crossed_small", "crossed", "iid")
    ours = {design: InjectivityPenalty(layer, data, sigma, samples=options.samples, design=design) for design in designs}
    penalties: dict[str, Optional[Callable[[], Any]]] = {"training": None, **ours, "pytorch": plain}
    actions = {name: partial(train, penalty) for name, penalty in penalties.items()}
    actions.update({f"{design} alpha*": penalty.update for design, penalty in ours.items()})
    times: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(-1, options.repeat):  # the first one fills memory and does not count
        for name, action in actions.items():
            taken = milliseconds(action)
            if turn >= 0:
                times[name].append(taken)
    line.update({name: summary(values) for name, values in times.items()})
    base = line["training"]["median_ms"]
    for name in (*ours, "pytorch"):
        line[name]["added_of_training"] = round((line[name]["median_ms"] - base) / base, 2)
    print(json.dumps(line))


if __name__ == "__main__":
    main()
