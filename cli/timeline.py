"""A play as a timeline for the terminal: steps, effects done, effects undone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cli.client import JsonTree

_MARKS = {
    "done": "✓",
    "running": "▶",
    "waiting": "…",
    "skipped": "-",
    "failed": "✗",
    "held": "!",
    "cancelled": "-",
    "undone": "↩",
    "conflict": "!",
    "undo_failed": "✗",
    "unknown": "?",
    "intended": "…",
}


def timeline_of(run: JsonTree) -> Iterator[str]:
    """Give the lines of a play as `GET /v1/runs/{run}` answers it."""
    outcome = f" · {run['outcome']}" if run["outcome"] else ""
    yield f"{run['account']} · {run['playbook']} v{run['version']} · {run['state']}{outcome}"
    yield f"  play {run['id']}, started {_clock(run['started_at'])} by {run['started_by'] or run['trigger']}"
    if run["error"]:
        yield f"  {run['error'].get('code', '')}: {run['error'].get('message', '')}"
    yield "  steps"
    for step in run["steps"]:
        yield f"    {_clock(step['started_at'])}  {_MARKS.get(step['status'], ' ')} {step['title']}{_more(step)}"
    if run["effects"]:
        yield "  effects"
    for effect in run["effects"]:
        when = effect["undone_at"] or effect["ended_at"] or effect["intended_at"]
        what = f"{_word(effect)}  {effect['title'] or effect['step']} ({effect['action']})"
        detail = f": {effect['detail']}" if effect["detail"] else ""
        yield f"    {_clock(when)}  {_MARKS.get(effect['status'], ' ')} {what}{detail}"
    yield f"  {run['temporal_url']}"


def _word(effect: JsonTree) -> str:
    word = str(effect["status"])
    return "stays done" if word == "done" and effect["effect_class"] == "irreversible" else word


def _more(step: JsonTree) -> str:
    parts = [f"[{step['status']}]" if step["status"] != "done" else "", step["detail"] or ""]
    if step["error"] and step["error"].get("message") not in (None, step["detail"]):
        parts.append(str(step["error"]["message"]))
    return "".join(f"  {part}" for part in parts if part)


def _clock(text: str | None) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%H:%M:%S") if text else "        "
