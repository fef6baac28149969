from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from playbook_dsl.expressions.read import parse_alone


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads that take turns as often as they can, in the middle of whatever the collector interrupts."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50, 1, 1)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)


class Rubbish:
    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        sum(range(3))


def parse_many(thread: int) -> int:
    for _ in range(4000):
        for _ in range(5):
            Rubbish()
        parse_alone("a.b >= 3 and (c in ['x', 'y'] or not d(e, 2) + 4 * 5 == 25) and x < y < z")
    return thread


@pytest.mark.usefixtures("eager_threads")
def test_plays_on_several_threads_parse_expressions_at_once() -> None:
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(parse_many, range(1, 5))) == [1, 2, 3, 4]
