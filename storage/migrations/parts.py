"""What revisions are written with, so that a table's columns stand on a few lines."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString


def text(name: str, *, nullable: bool = False, default: str | None = None) -> "sa.Column[str]":
    """Give a column for text."""
    return sa.Column(name, AutoString(), nullable=nullable, server_default=default)


def integer(name: str, *, nullable: bool = False, default: int | None = None) -> "sa.Column[int]":
    """Give a column for a whole number."""
    return sa.Column(name, sa.Integer(), nullable=nullable, server_default=None if default is None else str(default))


def truth(name: str) -> "sa.Column[bool]":
    """Give a column for yes or no."""
    return sa.Column(name, sa.Boolean(), nullable=False)


def moment(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    """Give a column for a moment; one that must be there is the moment at which the row is made."""
    return sa.Column(name, sa.DateTime(timezone=True), server_default=None if nullable else sa.text("now()"), nullable=nullable)


def json(name: str, empty: str) -> "sa.Column[object]":
    """Give a column for JSON, `empty` by default."""
    return sa.Column(name, sa.dialects.postgresql.JSONB(), server_default=sa.text(f"'{empty}'::jsonb"), nullable=False)


def sealed(name: str) -> "sa.Column[bytes]":
    """Give a column for what is encrypted."""
    return sa.Column(name, sa.LargeBinary(), nullable=True)


def of_tenants(*tables: str) -> None:
    """Let every tenant see its own rows of these tables only, and the application's role work with them."""
    mine = "tenant = current_setting('app.tenant', true)"
    for table in tables:
        op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
        op.execute(f'CREATE POLICY tenant_only ON "{table}" USING ({mine}) WITH CHECK ({mine})')
        op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO playkeeper_app')


def drop_tables(*tables: str) -> None:
    """Drop tables, the last first."""
    for table in reversed(tables):
        op.drop_table(table)
