from __future__ import annotations

import typer

_USUAL_PORT = 8000


def register(app: typer.Typer) -> None:
    """Add `playkeeper serve`."""
    app.command()(serve)


def serve() -> None:
    """Serve the API at PLAYKEEPER_API_HOST and PLAYKEEPER_API_PORT until told to stop."""
    import uvicorn

    from logs import configure_logging
    from settings import SettingInvalid, SettingMissing, read_settings

    try:
        settings = read_settings()
        settings.require_database_url()
        settings.require_encryption_keys()
    except (SettingInvalid, SettingMissing) as error:
        typer.echo(f"playkeeper serve: {error}", err=True)
        raise typer.Exit(2) from None
    configure_logging(settings)
    # log_config=None: uvicorn's lines go the way of all others.
    uvicorn.run("api.app:create_app", factory=True, host=settings.api_host, port=settings.api_port or _USUAL_PORT, log_config=None)
