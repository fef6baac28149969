"""Takes observations of accounts in: usage, tickets, invoices, whatever scoring looks at."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from api.problems import FieldProblem
from api.schemas.usage import UsageEvents, UsageTaken
from api.security import Actor
from api.services.audit import audit
from scoring.intake import Wrong, read_observation
from scoring.observations import Observation
from storage.repositories.accounts import list_known_account_ids
from storage.repositories.observations import Seen, Written, add_observations, make_months
from storage.session import Database


async def take_observations(database: Database, user: Actor, body: UsageEvents) -> UsageTaken:
    """Keep what is right of a batch, each observation once, and say of the rest where and why."""
    now = datetime.now(UTC)
    read = {place: read_observation(sent, now, as_known=body.as_known) for place, sent in enumerate(body.events)}
    good = {place: each for place, each in read.items() if isinstance(each, Observation)}
    wrong = {place: each for place, each in read.items() if not isinstance(each, Observation)}
    async with database.begin(user.tenant) as session:
        accounts = await list_known_account_ids(session, sorted({each.account for each in good.values()}))
    strangers = {place: each for place, each in good.items() if each.account not in accounts}
    for place, each in strangers.items():
        wrong[place] = [Wrong("/account", "unknown_account", f'there is no account "{each.account}"; import it first')]
        del good[place]
    written = await _write(database, user, good, as_known=body.as_known)
    places = list(good)
    for index in written.other:
        detail = "there is another observation with this id at that moment, and it stays; a correction needs an id of its own"
        wrong[places[index]] = [Wrong("/id", "id_taken", detail)]
    return UsageTaken(taken=len(written.new), known=len(written.known), refused=len(wrong), problems=_problems(wrong))


async def _write(database: Database, user: Actor, good: Mapping[int, Observation], *, as_known: bool) -> Written:
    if not good:
        return Written((), (), ())
    rows = [stored_form(each) for each in good.values()]
    async with database.begin(user.tenant) as session:
        await make_months(session, "observation", {row.occurred_at.date() for row in rows})
    async with database.begin(user.tenant) as session:
        written = await add_observations(session, rows)
        if as_known and written.new:
            await audit(session, user.name, "observation.import", "account", "*", {"taken": len(written.new)})
    return written


def stored_form(each: Observation) -> Seen:
    """Give an observation as it is stored."""
    return Seen(each.account, each.occurred_at, each.id, each.kind, each.subject, each.values, each.ingested_at)


def _problems(wrong: Mapping[int, Sequence[Wrong]]) -> list[FieldProblem]:
    return [
        FieldProblem(pointer=f"#/events/{place}{each.pointer}", detail=each.detail, code=each.code)
        for place in sorted(wrong)
        for each in wrong[place]
    ]
