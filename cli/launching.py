"""Launches on the command line: from lists and files, and looked at before."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from cli.client import Api, JsonTree, fail

_MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Asked:
    """A launch as it was typed."""

    playbook: str
    accounts: list[str]
    table: Path | None
    inputs: dict[str, JsonTree]
    key: str | None
    ignore: list[str]

    def body(self) -> dict[str, JsonTree]:
        """Give the request for a list."""
        return {"playbook": self.playbook, "accounts": self.accounts, "inputs": self.inputs, "key": self.key, "ignore": self.ignore}

    def send_file(self, api: Api, path: str, *, once: bool = True, **query: str) -> JsonTree:
        """Send the file, and give the answer."""
        named: dict[str, JsonTree] = {"playbook": self.playbook, "enrollment_key": self.key, "ignore": self.ignore, **query}
        if self.inputs:
            named["inputs"] = json.dumps(self.inputs)
        headers = {"Content-Type": "text/csv"} | ({"Idempotency-Key": uuid.uuid4().hex} if once else {})
        params = {name: value for name, value in named.items() if value}
        return api.send("POST", path, content=self.content(), headers=headers, params=params)

    def content(self) -> bytes:
        """Read the file."""
        if self.table is None:
            raise AssertionError("there is no file")
        try:
            return self.table.read_bytes()
        except OSError as error:
            fail(f"{self.table} cannot be read: {error}")


def show_preview(api: Api, asked: Asked, out: Path | None) -> None:
    """Show who would enter, and who not and why; nothing is written but the file that was asked for."""
    body = asked.body() | {"accounts": asked.accounts or None}
    if asked.table is not None:
        seen = asked.send_file(api, "/v1/launches/preview/csv", once=False)
    else:
        seen = api.send("POST", "/v1/launches/preview", json=body)
    if out is not None:
        _write(api, asked, body, out)
    api.show(seen, [*_lines(seen), *([f"  every account: {out}"] if out else [])])


def _write(api: Api, asked: Asked, body: dict[str, JsonTree], out: Path) -> None:
    if asked.table is not None:
        text = asked.send_file(api, "/v1/launches/preview/csv", once=False, **{"as": "csv"})
    else:
        text = api.send("POST", "/v1/launches/preview", json=body | {"most": 100_000}, params={"as": "csv"})
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{out} cannot be written: {error}")


def _lines(seen: JsonTree) -> list[str]:
    looked = "" if seen["looked_at"] == seen["accounts"] else f" (of {seen['looked_at']:,} that were looked at)"
    head = f"{seen['playbook']} v{seen['version']}: {seen['accounts']:,} accounts; {seen['enters']:,} would enter{looked}"
    lines = [head]
    for one in seen["reasons"]:
        names = ", ".join(sampled["account"] for sampled in one["sample"])
        lines.append(
            f"  {one['count']:>7,}  {one['state']}: {one['reason']}" + (f"  ({names}{', …' if one['count'] > 5 else ''})" if names else "")
        )
    if seen["room"] is not None:
        lines.append(f"  room for {seen['room']:,} right now; the others wait")
    if seen["power"]:
        lines.append(f"  {seen['power']}")
    if seen["approval"]:
        lines.append(f"  has to be approved by {' or '.join(seen['approval'])}")
    lines += [f"  wave {wave['wave']} ({wave['share']:.0%}): {wave['accounts']:,}" for wave in seen["waves"]]
    lines += [f"  messages by {channel}: {count:,} at most" for channel, count in seen["messages"].items()]
    return lines + problem_lines(seen)


def problem_lines(answer: JsonTree) -> list[str]:
    """Give the rows of a file that were left out, with line and column."""
    lines = [f"  note: {note}" for note in answer["notes"]]
    for row in answer["problems"][:_MOST_PROBLEMS]:
        for cell in row["problems"]:
            column = f", {cell['column']}" if cell["column"] else ""
            lines.append(f'  line {row["line"]}{column}: "{cell["value"]}" {cell["wrong"]}; write {cell["write"]}')
    more = len(answer["problems"]) - _MOST_PROBLEMS
    return lines + ([f"  … and {more} more rows"] if more > 0 else [])
