"""One try: compile a file, and if it is accepted, explain, draw and compare it too."""

from __future__ import annotations

import json
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Literal

from playbook_dsl.compiler import compile_playbook
from playbook_dsl.diagnostics import render_all
from playbook_dsl.diff.plans import compare
from playbook_dsl.explain.play import explain
from playbook_dsl.graph import draw, to_mermaid
from playbook_dsl.plan import Plan
from tests.fuzz.words import CATALOG

MAX_SECONDS = 1.0
GIVEN_UP_AFTER_S = 10.0
ANY_NAME = "playbook.yaml"  # the name that any slug may have


class TooSlowError(Exception):
    """The compiler did not come back."""


@dataclass(frozen=True)
class Attempt:
    """What came of one try. `crash` names the exception and the line that raised it."""

    outcome: Literal["accepted", "refused", "crashed"]
    seconds: float
    crash: str | None = None


def attempt(data: bytes) -> Attempt:
    """Compile the file as the CLI would, and use what came out."""
    started = time.thread_time()
    try:
        with _time_limit():
            compiled = compile_playbook(data, CATALOG, path=ANY_NAME)
            seconds = time.thread_time() - started
            if compiled.plan is None and not any(one.is_error for one in compiled.diagnostics):
                return Attempt("crashed", seconds, "refused without an error")
            _use(data, compiled.plan, [one.to_json() for one in compiled.diagnostics])
            render_all(compiled.diagnostics, compiled.source)
    except Exception as error:
        return Attempt("crashed", time.thread_time() - started, _crash(error))
    if seconds > MAX_SECONDS:
        return Attempt("crashed", seconds, f"took more than {MAX_SECONDS:g} s")
    return Attempt("refused" if compiled.plan is None else "accepted", seconds)


def _use(data: bytes, plan: Plan | None, findings: list[dict[str, object]]) -> None:
    json.dumps(findings)
    if plan is None:
        return
    again = Plan.model_validate_json(plan.to_json())
    if again.digest() != plan.digest():
        raise ValueError("the plan is another one after it was read back")
    explain(plan, CATALOG)
    to_mermaid(draw(plan, CATALOG))
    if compare(plan, again):
        raise ValueError("the plan differs from itself")


def _crash(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "playbook_dsl" in frame.filename] or frames
    place = f"{own[-1].filename.rpartition('playbook_dsl/')[2]}:{own[-1].name}" if own else "nowhere"
    return f"{type(error).__name__} in {place}"


@contextmanager
def _time_limit() -> Iterator[None]:
    def too_slow(_number: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    previous = signal.signal(signal.SIGALRM, too_slow)
    signal.setitimer(signal.ITIMER_REAL, GIVEN_UP_AFTER_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
