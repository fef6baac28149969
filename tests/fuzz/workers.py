"""Many tries on every core. A worker writes down what it is about to try, so that even a dead process leaves its input behind."""

from __future__ import annotations

import mmap
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized

from tests.fuzz.attempt import Attempt, attempt
from tests.fuzz.generated import each_generated
from tests.fuzz.minimise import minimised
from tests.fuzz.mutate import mutated

GENERATED_SHARE = 0.1
REPORT_EVERY_S = 15.0
_MAX_INPUT_BYTES = 512 * 1024
_MAX_STORED = 20


@dataclass
class Tally:
    """What came of the tries. `crashes` holds the smallest input of each kind of crash."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    slowest: bytes = b""
    crashes: dict[str, bytes] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        return sum(self.outcomes.values())

    def add(self, data: bytes, result: Attempt) -> None:
        """Count one try; a new kind of crash is made small and kept."""
        self.outcomes[result.outcome] += 1
        if result.seconds > self.slowest_s:
            self.slowest_s, self.slowest = result.seconds, data
        if result.crash and result.crash not in self.crashes and len(self.crashes) < _MAX_STORED:
            self.crashes[result.crash] = minimised(data, lambda smaller: attempt(smaller).crash == result.crash)

    def merge(self, other: Tally) -> None:
        """Add what another worker counted."""
        self.outcomes += other.outcomes
        if other.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest = other.slowest_s, other.slowest
        for name, data in other.crashes.items():
            if name not in self.crashes or len(data) < len(self.crashes[name]):
                self.crashes[name] = data


@dataclass
class Desk:
    """What a worker shares with the one who waits for it: the input it works on and how many it has done."""

    text: mmap.mmap
    length: Synchronized[int]
    done: Synchronized[int]

    def put(self, data: bytes) -> None:
        self.text[: min(len(data), _MAX_INPUT_BYTES)] = data[:_MAX_INPUT_BYTES]
        self.length.value = min(len(data), _MAX_INPUT_BYTES)

    def last(self) -> bytes:
        return self.text[: self.length.value]


def tries(number: int, start: int, desk: Desk | None = None) -> Tally:
    """Do `number` tries in this process; the same `start` gives the same files."""
    tally = Tally()

    def one(data: bytes) -> None:
        if desk:
            desk.put(data)
        tally.add(data, attempt(data))
        if desk:
            desk.done.value += 1

    chance = random.Random(start)
    generated = int(number * GENERATED_SHARE)
    for _ in range(number - generated):
        one(mutated(chance))
    while tally.tried < number:
        before = tally.tried
        each_generated(min(number - before, 1000), start + before, one)
    return tally


def _work(number: int, start: int, desk: Desk, answers: multiprocessing.SimpleQueue[Tally]) -> None:
    answers.put(tries(number, start, desk))


def run_on_all_cores(number: int, start: int, workers: int, report: Callable[[int], None]) -> Tally:
    """Share the tries among processes; a process that dies counts as a crash and its input is kept."""
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[Tally] = context.SimpleQueue()
    desks = [Desk(mmap.mmap(-1, _MAX_INPUT_BYTES), context.Value("i", 0), context.Value("i", 0)) for _ in range(workers)]
    shares = [number // workers + (index < number % workers) for index in range(workers)]
    processes = [
        context.Process(target=_work, args=(share, start + 7919 * index, desk, answers))
        for index, (share, desk) in enumerate(zip(shares, desks, strict=True))
    ]
    for process in processes:
        process.start()
    tally = Tally()
    reported = time.monotonic()
    while any(process.is_alive() for process in processes) or not answers.empty():
        while not answers.empty():
            tally.merge(answers.get())
        if time.monotonic() - reported > REPORT_EVERY_S:
            reported = time.monotonic()
            report(sum(desk.done.value for desk in desks))
        time.sleep(0.1)
    for process, desk in zip(processes, desks, strict=True):
        if process.exitcode:
            tally.outcomes["crashed"] += 1
            tally.crashes[f"the process ended with {process.exitcode}"] = desk.last()
    return tally
