"""Lists in pages by keyset: a cursor says after which row the next page begins, so that rows that come and go shift nothing."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from storage.pages import MAX_PAGE

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most.")]
After = Annotated[
    str | None,
    Query(max_length=500, description="The `next` of the page before; without it the first page.", examples=["WyJBQ01FIiwgIkEtMSJd"]),
]


class PageOf(BaseModel, Generic[T]):
    """One page of a list. `next` is the cursor of the page after it, null on the last one."""

    items: list[T]
    next: str | None = Field(default=None, examples=["WyJBQ01FIiwgIkEtMSJd"])
