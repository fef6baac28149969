from __future__ import annotations

import asyncio
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `playkeeper migrate`, `playkeeper new-key` and `playkeeper reseal`."""
    app.command()(migrate)
    app.command("new-key")(new_key)
    app.command()(reseal)


def migrate() -> None:
    """Bring the database to the newest schema, and give the application's role its password. Safe to repeat."""
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    from settings import SettingInvalid, SettingMissing, read_settings
    from storage.encryption import KeyRing
    from storage.migrate import upgrade

    try:
        settings = read_settings()
        password = settings.database_app_password
        has_keys = settings.encryption_keys is not None or settings.encryption_keys_path is not None
        keys = KeyRing.parse(settings.require_encryption_keys()) if has_keys else None
        owner_url, app_password = settings.require_database_owner_url(), password.get_secret_value() if password else None
    except (SettingInvalid, SettingMissing, ValueError) as error:
        typer.echo(f"playkeeper migrate: {error}", err=True)
        raise typer.Exit(2) from None
    try:
        asyncio.run(upgrade(owner_url, app_password=app_password, keys=keys))
    except (OSError, SQLAlchemyError, CommandError) as error:
        typer.echo(f"playkeeper migrate: the database at PLAYKEEPER_DATABASE_OWNER_URL cannot be brought up to date: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo("the database is up to date")


def new_key(name: Annotated[str, typer.Option(help="What the key is called; sealed fields say which one sealed them.")] = "1") -> None:
    """Make a key for PLAYKEEPER_ENCRYPTION_KEYS. Put a new one before the old ones; those still open what they sealed."""
    from storage.encryption import KeyRing

    typer.echo(f"{name}:{KeyRing.new_key()}")


def reseal() -> None:
    """Seal everything anew with the first of PLAYKEEPER_ENCRYPTION_KEYS, so that the older keys can be taken out. Safe to repeat."""
    from sqlalchemy.exc import SQLAlchemyError

    from settings import SettingInvalid, SettingMissing, read_settings
    from storage.encryption import KeyRing, SealBroken
    from storage.rotation import reseal as reseal_all
    from storage.session import Database

    async def run() -> int:
        database = Database(settings.require_database_url(), KeyRing.parse(settings.require_encryption_keys()))
        try:
            return await reseal_all(database, settings.tenant)
        finally:
            await database.close()

    try:
        settings = read_settings()
        count = asyncio.run(run())
    except (SettingInvalid, SettingMissing, ValueError) as error:
        typer.echo(f"playkeeper reseal: {error}", err=True)
        raise typer.Exit(2) from None
    except (OSError, SQLAlchemyError, SealBroken) as error:
        typer.echo(f"playkeeper reseal: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{count:,} fields sealed anew")
