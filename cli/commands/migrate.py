from __future__ import annotations

import asyncio
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `playkeeper migrate` and `playkeeper new-key`."""
    app.command()(migrate)
    app.command("new-key")(new_key)


def migrate() -> None:
    """Bring the database to the newest schema, and give the application's role its password. Safe to repeat."""
    from sqlalchemy.exc import SQLAlchemyError

    from settings import SettingInvalid, SettingMissing, read_settings
    from storage.migrate import upgrade

    try:
        settings = read_settings()
        password = settings.database_app_password
        asyncio.run(upgrade(settings.require_database_owner_url(), app_password=password.get_secret_value() if password else None))
    except (SettingInvalid, SettingMissing) as error:
        typer.echo(f"playkeeper migrate: {error}", err=True)
        raise typer.Exit(2) from None
    except (OSError, SQLAlchemyError) as error:
        typer.echo(f"playkeeper migrate: PostgreSQL at PLAYKEEPER_DATABASE_OWNER_URL: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo("the database is up to date")


def new_key(name: Annotated[str, typer.Option(help="What the key is called; sealed fields say which one sealed them.")] = "1") -> None:
    """Make a key for PLAYKEEPER_ENCRYPTION_KEYS. Put a new one before the old ones; those still open what they sealed."""
    from storage.encryption import KeyRing

    typer.echo(f"{name}:{KeyRing.new_key()}")
