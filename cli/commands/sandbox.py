from __future__ import annotations

import typer

from cli.client import JsonFlag, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add `playkeeper sandbox`."""
    app.command()(sandbox)


def sandbox(json_output: JsonFlag = False) -> None:
    """Show what plays left at the vendors' stand-ins of `make run`: discounts, meetings, messages."""
    import httpx

    from cli.running import read_running
    from settings import read_settings

    settings = read_settings()
    url = settings.vendor_sandbox_url or read_running(settings.data_dir).get("sandbox_url")
    if not url:
        typer.echo("playkeeper: no sandbox runs; `make run` starts one", err=True)
        raise typer.Exit(1)
    try:
        found = httpx.get(f"{url}/landed", timeout=10).raise_for_status().json()
    except httpx.HTTPError as error:
        typer.echo(f"playkeeper: the sandbox at {url} does not answer: {error}", err=True)
        raise typer.Exit(1) from None
    if json_output:
        print_json(found)
    elif not found:
        typer.echo(f"Nothing was left at the stand-ins yet; {url}/ shows it in a browser.")
    else:
        print_table(found, {"at": "when", "vendor": "vendor", "what": "what", "where": "on"})
