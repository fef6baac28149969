"""`python -m bench`: what interpreting a playbook costs against writing the workflow by hand, and how fast the virtual clock is.

Only ratios within one run mean something: the machine decides the rest. Exit code 1 when a bar is missed.
"""

import argparse
import asyncio
import os
import statistics
import sys

from bench.servers import running
from bench.temporal_runs import Comparison, History, Round, compare
from bench.virtual_clock import ACCOUNTS, measure

LEAST_THROUGHPUT = 0.95
MOST_WORKER_CPU = 1.15
MOST_VIRTUAL_S = 1.5


def show(found: Comparison) -> None:
    """Print what was measured."""
    print(f"{'':18}{'runs/s':>8}{'worker':>9}{'temporal':>10}{'postgres':>10}{'events':>8}{'bytes':>8}   (CPU ms a run, medians)")
    for name in found.rounds:
        numbers = [found.median(name, number) for number in (_runs, _worker, _temporal, _postgres)]
        history = found.histories[name]
        print(f"{name:18}{numbers[0]:8.1f}{numbers[1]:9.1f}{numbers[2]:10.1f}{numbers[3]:10.1f}{history.events:8}{history.size_bytes:8}")


def judge(found: Comparison, virtual_s: float) -> bool:
    """Print each bar and whether it holds; give whether all do."""
    throughput, worker = found.ratio("playbook", _runs), found.ratio("playbook", _worker)
    by_hand, ours, logic = (found.histories[name] for name in ("hand-written", "playbook", "with logic"))
    bars = [
        (f"throughput {_spread(throughput)} of the hand-written one, at least {LEAST_THROUGHPUT}", throughput[0] >= LEAST_THROUGHPUT),
        (f"worker CPU a run {_spread(worker)} of the hand-written one, at most {MOST_WORKER_CPU}", worker[0] <= MOST_WORKER_CPU),
        (f"{_per_step(ours):.1f} events a step against {_per_step(by_hand):.1f}", _per_step(ours) <= _per_step(by_hand)),
        (f"{ours.markers} more a run, for what it records of itself, at most 1", ours.markers <= 1),
        (f"ten conditions and three sets add {logic.events - ours.events} events", logic.events == ours.events),
        (f"virtual clock: {ACCOUNTS} accounts, 90 days, 12 steps in {virtual_s:.2f} s, under {MOST_VIRTUAL_S}", virtual_s < MOST_VIRTUAL_S),
    ]
    for text, holds in bars:
        print(f"{'ok  ' if holds else 'MISS'} {text}")
    return all(holds for _, holds in bars)


def _per_step(history: History) -> float:
    """A run begins with four events and ends with one; each of its five effects adds an activity and the workflow task after it."""
    return (history.events - history.markers - 5) / 5


def _spread(found: tuple[float, float, float]) -> str:
    return "{:.2f} ({:.2f} to {:.2f})".format(*found)


def _runs(one: Round) -> float:
    return one.runs_per_s


def _worker(one: Round) -> float:
    return one.worker_ms


def _temporal(one: Round) -> float:
    return one.temporal_ms


def _postgres(one: Round) -> float:
    return one.postgres_ms


async def _compare(rounds: int, runs: int) -> Comparison:
    async with running() as servers:
        return await compare(servers, rounds=rounds, runs=runs, say=lambda line: print(line, file=sys.stderr, flush=True))


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--runs", type=int, default=100, help="runs of each form a round")
    asked = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    virtual = [measure() for _ in range(3)]
    found = asyncio.run(_compare(asked.rounds, asked.runs))
    show(found)
    return 0 if judge(found, statistics.median(virtual)) else 1


if __name__ == "__main__":
    sys.exit(main())
