"""The team: who owns accounts, tasks and approvals."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.deps import SessionDep
from api.openapi import may_fail
from api.schemas.accounts import PersonOut, PutPerson
from api.security import Admin, Viewer
from api.services.audit import audit
from storage.repositories.people import list_people, save_people
from storage.tables import Person

router = APIRouter(prefix="/v1/people", tags=["people"])

PersonId = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="The short name that authors write.", examples=["maria"])
]


@router.get("", summary="List people", responses=may_fail())
async def list_everybody(user: Viewer, session: SessionDep) -> list[PersonOut]:
    """Everybody of the team, by id."""
    return [PersonOut.model_validate(person.model_dump()) for person in await list_people(session)]


@router.put("/{person_id}", summary="Add or change a person", responses=may_fail(body=True))
async def put_person(person_id: PersonId, body: PutPerson, user: Admin, session: SessionDep) -> PersonOut:
    """The person as a whole is replaced."""
    person = Person(tenant=user.tenant, id=person_id, **body.model_dump())
    await save_people(session, [person])
    await audit(session, user.name, "person.save", "person", person_id, {})
    return PersonOut.model_validate(person.model_dump())
