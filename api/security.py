"""Who is asking, and what they may do.

In this first cut a request names its person in the header `X-Playkeeper-Actor` and everybody has every role of the one tenant. Users,
sign-in and roles come later; routes already say what they need (`Viewer`, `Operator`, `Publisher`, `Admin`), so only this file changes.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from fastapi import Depends, Header, Request

from api.problems import ActorMissing, RoleMissing


class Role(IntEnum):
    """What somebody may do; each includes the ones before."""

    VIEWER = 1
    OPERATOR = 2
    PUBLISHER = 3
    ADMIN = 4


@dataclass(frozen=True)
class Actor:
    """The person behind a request."""

    tenant: str
    name: str
    role: Role


_NAME = re.compile(r"[\w.@+\- ]{1,100}")


def current_actor(
    request: Request,
    x_playkeeper_actor: Annotated[
        str | None, Header(description="Who is asking: the short name or e-mail address of a person.", examples=["maria"])
    ] = None,
) -> Actor:
    """Give the person the request names; without a name it is `local`.

    Raises:
        ActorMissing: the name cannot be one.
    """
    name = (x_playkeeper_actor or "local").strip()
    if not _NAME.fullmatch(name):
        raise ActorMissing("X-Playkeeper-Actor must be a name or an e-mail address of at most 100 characters.")
    tenant: str = request.app.state.tenant
    return Actor(tenant=tenant, name=name, role=Role.ADMIN)


class _Needs:
    """A dependency: the actor, who must have at least this role."""

    def __init__(self, role: Role) -> None:
        self.role = role

    def __call__(self, actor: Annotated[Actor, Depends(current_actor)]) -> Actor:
        if actor.role < self.role:
            raise RoleMissing(f"This needs the role {self.role.name.lower()}; yours is {actor.role.name.lower()}.")
        return actor


Viewer = Annotated[Actor, Depends(_Needs(Role.VIEWER))]
Operator = Annotated[Actor, Depends(_Needs(Role.OPERATOR))]
Publisher = Annotated[Actor, Depends(_Needs(Role.PUBLISHER))]
Admin = Annotated[Actor, Depends(_Needs(Role.ADMIN))]
