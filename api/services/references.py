"""Whether the people, contacts and accounts that a form names exist."""

from collections.abc import Mapping, Sequence

from api.problems import FieldProblem
from playbook_dsl.plan import FormField
from playbook_dsl.values import Json
from storage.repositories.accounts import list_known_account_ids, list_known_contact_ids
from storage.repositories.people import list_people_by_ids
from storage.session import Session

_KINDS = ("person", "contact", "account")


async def unknown_references(session: Session, form: Sequence[FormField], values: Mapping[str, Json], pointer: str) -> list[FieldProblem]:
    """Give a problem for every named person, contact or account that does not exist."""
    wrong: list[FieldProblem] = []
    for field in form:
        kind = field.item if field.type == "list" else field.type
        value = values.get(field.name)
        if kind not in _KINDS or value is None:
            continue
        named = [str(item) for item in (value if isinstance(value, list) else [value])]
        known = await _known(session, str(kind), named)
        wrong += [
            FieldProblem(pointer=f"{pointer}/{field.name}", detail=f'names a {kind} that does not exist: "{name[:80]}"', code="unknown")
            for name in named
            if name not in known
        ]
    return wrong


async def _known(session: Session, kind: str, named: Sequence[str]) -> set[str]:
    match kind:
        case "person":
            return {person.id for person in await list_people_by_ids(session, named)}
        case "contact":
            return await list_known_contact_ids(session, named)
        case _:
            return await list_known_account_ids(session, named)
