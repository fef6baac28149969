from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, fail


def register(app: typer.Typer) -> None:
    """Add `playkeeper accounts`."""
    accounts = typer.Typer(help="The book of business.", no_args_is_help=True)
    accounts.command("import")(import_file)
    accounts.command("list")(list_accounts)
    accounts.command("show")(show)
    app.add_typer(accounts, name="accounts")


def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file with a header line; .gz is read too.")],
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Import accounts; rows that cannot be read are reported and keep nobody else out."""
    api = Api(actor=actor, json_output=json_output)
    report = api.send("POST", "/v1/accounts/import", content=read_csv(file), headers={"Content-Type": "text/csv"})
    api.show(report, report_lines(report))


def read_csv(file: Path) -> bytes:
    """Give the bytes of a CSV file, unpacked if need be."""
    import gzip

    try:
        return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError) as error:
        fail(f"{file} cannot be read: {error}")


def report_lines(report: JsonTree) -> list[str]:
    """Give a report of an import as lines."""
    lines = [f"{report['rows']} rows: {report['created']} new, {report['updated']} brought up to date, {report['refused']} refused"]
    lines += [
        f"  line {row['line']}{_cell(cell)}: {cell['wrong']}; write {cell['write']}"
        for row in report["problems"][:20]
        for cell in row["problems"]
    ]
    lines += [f"  note: {note}" for note in report["notes"]]
    more = report["refused"] - min(20, len(report["problems"]))
    return [*lines, f"  … and {more} more"] if more > 0 else lines


def _cell(cell: JsonTree) -> str:
    return f', {cell["column"]} "{cell["value"]}"' if cell["column"] else ""


def list_accounts(
    search: Annotated[str | None, typer.Option(help="Part of the name, or the beginning of the id.")] = None,
    csm: Annotated[str | None, typer.Option(help="Only of this CSM.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    json_output: JsonFlag = False,
) -> None:
    """List accounts by name."""
    api = Api(json_output=json_output)
    columns = {"id": "account", "name": "name", "status": "status", "tier": "tier", "csm": "csm", "mrr": "mrr", "renewal_date": "renews"}
    api.show_table(api.pages("/v1/accounts", most, search=search, csm=csm), columns, "There are no such accounts.")


def show(account: Annotated[str, typer.Argument(help="The account's id.")], json_output: JsonFlag = False) -> None:
    """Show an account with its facts and contacts."""
    api = Api(json_output=json_output)
    found = api.get(f"/v1/accounts/{account}")
    plain = {name: value for name, value in found.items() if name not in ("custom", "facts", "contacts") and value not in (None, [])}
    lines = [f"{name:<14} {value}" for name, value in plain.items()]
    lines += [f"custom.{name:<7} {value}" for name, value in found["custom"].items()]
    lines += [f"{root}.{name:<8} {value}" for root, facts in found["facts"].items() for name, value in facts.items()]
    lines += [f"contact        {one['name']} <{one['email'] or '-'}> {', '.join(one['roles'])}" for one in found["contacts"]]
    api.show(found, lines)
