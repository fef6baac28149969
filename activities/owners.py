"""Who an owner spec means.

A spec is `csm`, `csm.manager`, `role:x`, `round_robin(team)`, `least_loaded(team)`, a person, or a list of these tried in order.
"""

import re
from collections.abc import Sequence

from activities.contracts import JsonTree
from activities.failures import BadInput, Nobody
from storage.repositories.people import find_csm, find_least_loaded, find_person, list_people_by_role, take_next_of_team
from storage.session import Session
from storage.tables import Person

_OF_TEAM = re.compile(r"(round_robin|least_loaded)\(\s*([^()]+?)\s*\)")
_ROLE = "role:"


async def resolve_owner(session: Session, account: str, spec: JsonTree) -> Person:
    """Give the first person of the list that there is.

    Raises:
        Nobody: none of them could be found; the message says why for each.
        BadInput: the spec has no form of an owner.
    """
    tried: list[str] = []
    for one in specs_of(spec):
        person = await _resolve(session, account, one)
        if person is not None:
            return person
        tried.append(_why_nobody(one))
    raise Nobody("nobody to give it to: " + "; ".join(tried) if tried else "nobody to give it to: no owner was named")


async def resolve_each(session: Session, account: str, specs: Sequence[str]) -> list[Person]:
    """Give everybody the specs name, each once; a role stands for all who have it.

    Raises:
        Nobody: one of them could not be found: an approval that wants several people must not go on with fewer.
    """
    found: dict[str, Person] = {}
    for one in specs:
        people = await list_people_by_role(session, one.removeprefix(_ROLE)) if one.startswith(_ROLE) else []
        if not people:
            people = [await resolve_owner(session, account, one)]
        found.update({person.id: person for person in people})
    return list(found.values())


def specs_of(spec: JsonTree) -> list[str]:
    """Give the single specs in their order. A person as a record counts by its id or e-mail address.

    Raises:
        BadInput: see there.
    """
    if spec is None:
        return []
    if isinstance(spec, str):
        return [spec.strip()] if spec.strip() else []
    if isinstance(spec, dict):
        name = spec.get("id") or spec.get("email")
        return [str(name)] if name else []
    if isinstance(spec, list | tuple):
        return [one for item in spec for one in specs_of(item)]
    raise BadInput(f'"{spec}" is no owner: write csm, csm.manager, role:<name>, round_robin(<team>), least_loaded(<team>) or a person')


async def _resolve(session: Session, account: str, spec: str) -> Person | None:
    if spec in ("csm", "owner", "csm.manager"):
        return await _csm(session, account, manager=spec == "csm.manager")
    of_team = _OF_TEAM.fullmatch(spec)
    if of_team:
        rule, team = of_team.groups()
        return await (take_next_of_team(session, team) if rule == "round_robin" else find_least_loaded(session, team=team))
    if spec.startswith(_ROLE):
        return await find_least_loaded(session, role=spec.removeprefix(_ROLE))
    # A role that people.yaml declares may be written bare; a person's name comes first.
    return await find_person(session, spec) or await find_least_loaded(session, role=spec)


async def _csm(session: Session, account: str, *, manager: bool) -> Person | None:
    csm = await find_csm(session, account)
    if manager:
        # The manager of a CSM who left is still the one to ask.
        return await find_person(session, csm.manager) if csm and csm.manager else None
    return csm if csm and csm.active else None


def _why_nobody(spec: str) -> str:
    if spec in ("csm", "owner"):
        return "the account has no CSM"
    if spec == "csm.manager":
        return "the account's CSM has no manager"
    of_team = _OF_TEAM.fullmatch(spec)
    if of_team:
        return f'the team "{of_team[2]}" has no active members'
    if spec.startswith(_ROLE):
        return f'nobody has the role "{spec.removeprefix(_ROLE)}"'
    return f'there is no active person or role "{spec}"'
