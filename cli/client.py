"""The command line's side of the API: requests, refusals as a sentence, and output as tables or as JSON."""

from __future__ import annotations

import json
import uuid
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeAlias

import typer

if TYPE_CHECKING:
    import httpx

JsonTree: TypeAlias = Any
"""JSON as the API gives it."""

JsonFlag = Annotated[bool, typer.Option("--json", help="Print what the API answers, as JSON, for programs.")]
ActorOption = Annotated[str, typer.Option("--as", envvar="PLAYKEEPER_ACTOR", help="Who you are.", show_default=False)]
RunArgument = Annotated[str, typer.Argument(help="The play's id; `playkeeper runs` lists them.")]
ReasonOption = Annotated[str | None, typer.Option(help="Why; kept in the audit trail.")]

_TIMEOUT_S = 60.0


class Refused(Exception):
    """The API refused a request; `problem` is what it said."""

    def __init__(self, problem: Mapping[str, JsonTree]) -> None:
        """Keep the problem."""
        super().__init__(f"{problem.get('detail') or problem.get('title')} [{problem.get('code', '?')}]")
        self.problem = problem


class Api:
    """Requests to the API as one person. Problems end the command with 1 and a sentence; `ask` raises them instead."""

    def __init__(self, *, actor: str = "", json_output: bool = False) -> None:
        """Find the API; nothing is sent yet."""
        import httpx

        self.json_output = json_output
        headers = {"X-Playkeeper-Actor": actor} if actor else {}
        self.url = find_api()
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=_TIMEOUT_S)
        weakref.finalize(self, self._http.close)

    def get(self, path: str, **query: object) -> JsonTree:
        """Read something."""
        return self.send("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: Mapping[str, object] | None = None, **particulars: Any) -> JsonTree:  # what httpx takes
        """Do something, once: the request carries a key, so that a broken connection can be answered by asking again."""
        headers = {"Idempotency-Key": uuid.uuid4().hex, **particulars.pop("headers", {})}
        return self.send("POST", path, json=body, headers=headers, **particulars)

    def send(self, method: str, path: str, **particulars: Any) -> JsonTree:  # what httpx takes
        """Send a request and give its answer; a refusal ends the command."""
        try:
            return self.ask(method, path, **particulars)
        except Refused as refused:
            self.fail(refused)

    def ask(self, method: str, path: str, **particulars: Any) -> JsonTree:  # what httpx takes
        """Send a request and give its answer.

        Raises:
            Refused: the API says no.
        """
        import httpx

        if particulars.get("json") is None:
            particulars.pop("json", None)
        try:
            answer = self._with_one_more_try(method, path, particulars)
        except httpx.HTTPError as error:
            fail(f"the API at {self.url} does not answer: {str(error) or type(error).__name__}. Is it running? `playkeeper dev` starts it.")
        if answer.is_success:
            if answer.headers.get("content-type", "").startswith("text/csv"):
                return answer.text
            return answer.json() if answer.content else None
        raise Refused(_problem(answer))

    def _with_one_more_try(self, method: str, path: str, particulars: Mapping[str, Any]) -> httpx.Response:
        import httpx

        try:
            return self._http.request(method, path, **particulars)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            # The connection broke off in the middle. Requests that change something carry a key and are done once.
            return self._http.request(method, path, **particulars)

    def pages(self, path: str, most: int, **query: object) -> list[JsonTree]:
        """Read a list, page after page, up to `most` items."""
        items: list[JsonTree] = []
        after = None
        while len(items) < most:
            page = self.get(path, **query, after=after, limit=min(200, most - len(items)))
            items += page["items"]
            after = page["next"]
            if after is None:
                break
        return items

    def fail(self, refused: Refused) -> NoReturn:
        """End the command with what the API said."""
        if self.json_output:
            typer.echo(json.dumps(refused.problem, indent=2, ensure_ascii=False))
            raise typer.Exit(1)
        typer.echo(f"playkeeper: {refused}", err=True)
        for error in refused.problem.get("errors") or []:
            typer.echo(f"  {error.get('pointer')}: {error.get('detail')}", err=True)
        for link in refused.problem.get("failed") or []:
            typer.echo(f"  {link.get('link')} failed: {link.get('why')} [{link.get('code')}]", err=True)
        for finding in refused.problem.get("diagnostics") or []:
            place = f"{finding['file']}:{finding['line']}:{finding['column']}"
            typer.echo(f"  {place}: {finding['message']} [{finding['code']}]", err=True)
            if finding.get("hint"):
                typer.echo(f"    hint: {finding['hint']}", err=True)
        raise typer.Exit(1)

    def show(self, answer: JsonTree, lines: Iterable[str]) -> None:
        """Print the answer: as JSON when asked to, else as the lines."""
        if self.json_output:
            print_json(answer)
            return
        for line in lines:
            typer.echo(line)

    def show_table(self, answer: Sequence[JsonTree], columns: Mapping[str, str], empty: str) -> None:
        """Print a list: as JSON when asked to, else as a table of these columns (field → heading)."""
        if self.json_output:
            print_json(answer)
        elif not answer:
            typer.echo(empty)
        else:
            print_table(answer, columns)


def print_json(answer: JsonTree) -> None:
    """Print JSON for programs."""
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def print_table(rows: Sequence[Mapping[str, JsonTree]], columns: Mapping[str, str]) -> None:
    """Print rows as a table; to a pipe without colours and without cutting."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=400)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for number, heading in enumerate(columns.values()):
        table.add_column(heading, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(field)) for field in columns))
    console.print(table)


def fail(message: str) -> NoReturn:
    """End the command with 1 and a sentence."""
    typer.echo(f"playkeeper: {message}", err=True)
    raise typer.Exit(1)


def find_api() -> str:
    """Give the address of the API; settings that cannot be read end the command with 2."""
    from cli.running import api_url
    from settings import SettingInvalid, read_settings

    try:
        return api_url(read_settings())
    except SettingInvalid as error:
        typer.echo(f"playkeeper: {error}", err=True)
        raise typer.Exit(2) from None


def read_pairs(pairs: Sequence[str], what: str) -> dict[str, str]:
    """Read `name=value` options; a wrong one ends the command with 2."""
    read: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f'"{pair}" is not of the form name=value', param_hint=what)
        read[name.strip()] = value
    return read


def short_time(text: str | None) -> str:
    """Give a moment of the API as people read it, in their own zone."""
    from datetime import datetime

    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else ""


def _cell(value: JsonTree) -> str:
    from rich.markup import escape

    if value is None:
        return ""
    if isinstance(value, list):
        return escape(", ".join(map(str, value)))
    text = str(value)
    return escape(short_time(text) if len(text) >= 20 and text[4:5] == "-" and text[10:11] == "T" else text)


def _problem(answer: httpx.Response) -> Mapping[str, JsonTree]:
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        return problem
    return {"code": f"HTTP{answer.status_code}", "detail": f"the API answered {answer.status_code} without a reason", "errors": []}
