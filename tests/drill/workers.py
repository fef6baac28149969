"""Real worker processes that are killed and started again."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import signal
import time
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized

import structlog

from activities.effects import Work
from cli.dev.guard import GUARD
from settings import Settings
from worker import run, runner

# A fork server imports everything once; a worker made by it is there in tenths of a second and shares nothing with its parent.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.drill.workers"])


def work(environment: dict[str, str], suicides: Synchronized[float], seed: int) -> None:
    """Be a worker. With the probability `suicides` it dies between a vendor's answer and the row that would store it."""
    os.environ.update(environment)
    # What is said of servers and workers that die is what the drill is about.
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    chance = random.Random(seed)

    async def die_sometimes(_: Work) -> None:
        if chance.random() < suicides.value:
            os.kill(os.getpid(), signal.SIGKILL)

    runner()(run(Settings(), after_answer=die_sometimes))


class Workers:
    """A number of workers, each replaced when it is gone."""

    def __init__(self, environment: dict[str, str], *, count: int, suicides: float, seed: int) -> None:
        self._environment, self._seed = environment, seed
        self._suicides: Synchronized[float] = _CONTEXT.Value("d", suicides)
        self._alive: list[BaseProcess] = []
        self._count = count
        self.started = 0
        self.ended_by_themselves = 0
        self.died_after_an_answer = 0

    def fill(self) -> None:
        """Replace those that are gone."""
        for process in [process for process in self._alive if not process.is_alive()]:
            self._alive.remove(process)
            if process.exitcode == -signal.SIGKILL:
                self.died_after_an_answer += 1
            else:
                self.ended_by_themselves += 1
            GUARD.release(process.pid or 0)
        while len(self._alive) < self._count:
            self.started += 1
            process = _CONTEXT.Process(target=work, args=(self._environment, self._suicides, self._seed + self.started), daemon=True)
            process.start()
            GUARD.watch(process.pid or 0)
            self._alive.append(process)

    def kill_one(self, chance: random.Random) -> None:
        """Kill one of them, wherever it is; mostly the oldest, because a young one has nothing to lose yet."""
        process = self._alive[0] if chance.random() < 0.7 else chance.choice(self._alive)
        if process.is_alive():
            process.kill()
            process.join()
            GUARD.release(process.pid or 0)
            self._alive.remove(process)
        self.fill()

    def live_peacefully(self) -> None:
        """Let all of them live from now on."""
        self._suicides.value = 0.0
        self.fill()

    def stop(self) -> None:
        """End all of them."""
        for process in self._alive:
            process.terminate()
        deadline = time.monotonic() + 15
        for process in self._alive:
            process.join(max(0.1, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
            GUARD.release(process.pid or 0)
        self._alive.clear()
