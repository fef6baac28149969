"""What the classes of tables are made of."""

from typing import Any, TypeAlias

from sqlalchemy import Column, DateTime, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

ColumnDefault: TypeAlias = Any
"""What `Field` returns: it stands for a value of the column's own type."""


def moment(*, optional: bool = False) -> ColumnDefault:
    """Give a column for a moment, aware."""
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=optional))


def made_at() -> ColumnDefault:
    """Give a column for the moment at which a row is made."""
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()")))


def record() -> ColumnDefault:
    """Give a column for a JSON record, empty by default."""
    return Field(default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb")))


def listed() -> ColumnDefault:
    """Give a column for a JSON list, empty by default."""
    return Field(default_factory=list, sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb")))


def texts() -> ColumnDefault:
    """Give a column for texts, none by default."""
    return Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")))


def sealed() -> ColumnDefault:
    """Give a column for what is encrypted."""
    return Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class Owned(SQLModel):
    """A row of a tenant. The sessions fill `tenant` in; without one the database refuses the row."""

    tenant: str = Field(default="", primary_key=True)
