"""What plays do at Salesforce: done once, whatever is lost on the way, and taken back unless a person was there since."""

from __future__ import annotations

import pytest

from activities.actions.salesforce import UpdateRecord
from activities.effects import Work
from activities.failures import BadInput, EffectUndone, NotFound
from connectors.errors import Rejected, Unavailable
from connectors.sandbox.faults import Fault
from tests.activities.acting import call_of, make_account, run_of
from tests.activities.salesforce_org import ACCOUNT, LOST, Inputs, World, acme

pytestmark = pytest.mark.servers


async def test_a_record_is_read_with_its_dates_as_dates(world: World) -> None:
    world.fake.change("Account", ACCOUNT, Since__c="2026-03-01T09:00:00.000+0000")

    result = await world.ledger.perform(world.call("get", {"fields": ["Name", "Since__c", "Owner.Email", "Industry"]}))

    assert result.output["id"] == ACCOUNT
    assert result.output["fields"] == {
        "Name": "ACME",
        "Since__c": {"$datetime": "2026-03-01T09:00:00+00:00"},
        "Owner.Email": "integration@acme.example",
        "Industry": None,
    }


async def test_records_are_found_by_what_the_play_knows(world: World) -> None:
    for name, amount, stage in (("Small", 10.0, "Open"), ("Big", 500.0, "Open"), ("Lost", 900.0, "Closed Lost")):
        world.fake.add("Opportunity", Name=name, AccountId=ACCOUNT, Amount=amount, StageName=stage, CloseDate="2026-06-30")
    asked = {
        "object": "Opportunity",
        "fields": ["Name", "Amount", "CloseDate"],
        "where": {"AccountId": ACCOUNT, "IsClosed": False, "Amount >": {"$money": ["5", "EUR"]}, "CloseDate >=": {"$date": "2026-01-01"}},
        "order_by": ["Amount desc"],
    }

    result = await world.ledger.perform(world.call("query", asked))

    assert result.output["count"] == 2
    assert [each["Name"] for each in result.output["records"]] == ["Big", "Small"]
    assert result.output["first"] == {"Name": "Big", "Amount": 500.0, "CloseDate": {"$date": "2026-06-30"}}


async def test_what_a_record_says_cannot_widen_a_query(world: World) -> None:
    asked = {"object": "Account", "where": {"Name": "x' OR Name != 'x", "Name contains": "%"}}

    assert (await world.ledger.perform(world.call("query", asked))).output["count"] == 0
    with pytest.raises(Rejected):
        await world.ledger.perform(world.call("query", {"object": "Account", "where": {"Name = 'x' OR Id": "y"}}))
    with pytest.raises(BadInput):
        await world.ledger.perform(world.call("query", {"object": "Account", "where": {"Name": {"$duration": {"days": 3}}}}))


NEW = {"object": "Account", "set": {"Risk_Stage__c": "In save play", "AnnualRevenue": {"$money": ["250.499", "EUR"]}}}


async def test_fields_are_set_and_put_back(world: World) -> None:
    call = world.call("update", NEW)

    result = await world.settle(call)
    now = (acme(world)["Risk_Stage__c"], acme(world)["AnnualRevenue"])
    undone = await world.undo(call)

    assert result.output == {"id": ACCOUNT, "changed": ["Risk_Stage__c", "AnnualRevenue"]}
    assert now == ("In save play", 250.5)
    assert undone == ("undone", "put back AnnualRevenue, Risk_Stage__c")
    assert (acme(world)["Risk_Stage__c"], acme(world)["AnnualRevenue"]) == ("Healthy", 100.0)


@pytest.mark.parametrize("fault", LOST, ids=["after", "before"])
async def test_an_update_whose_answer_was_lost_is_made_once_and_still_knows_what_was_there(world: World, fault: Fault) -> None:
    call = world.call(
        "update", {"object": "Account", "set": {"Risk_Stage__c": "In save play", "Since__c": {"$datetime": "2026-03-01T10:00:00+01:00"}}}
    )
    world.fake.faults.append(fault)

    result = await world.settle(call)

    assert len(world.troubles) == 1
    assert result.output["changed"] == ["Risk_Stage__c", "Since__c"]
    assert world.sent("PATCH") == (1 if fault.kind == "lost" else 2)
    assert await world.undo(call) == ("undone", "put back Risk_Stage__c, Since__c")
    assert (acme(world)["Risk_Stage__c"], acme(world)["Since__c"]) == ("Healthy", None)


async def test_an_update_that_was_lost_does_not_write_over_what_a_person_wrote_meanwhile(world: World) -> None:
    call = world.call("update", {"object": "Account", "set": {"Risk_Stage__c": "In save play"}})
    world.fake.faults.append(LOST[0])
    with pytest.raises(Unavailable):
        await world.ledger.perform(call)
    world.fake.change("Account", ACCOUNT, Risk_Stage__c="Saved by Maria")

    result = await world.settle(call)

    assert result.status == "unknown"
    assert (await world.undo(call))[0] == "conflict"
    assert acme(world)["Risk_Stage__c"] == "Saved by Maria"


async def test_a_field_that_a_person_changed_since_is_left_alone_unless_forced(world: World) -> None:
    first, second = world.call("update", NEW), world.call("update", NEW)
    await world.settle(first)
    world.fake.change("Account", ACCOUNT, Risk_Stage__c="Saved by Maria")
    left = await world.undo(first)
    kept = (acme(world)["Risk_Stage__c"], acme(world)["AnnualRevenue"])
    world.fake.change("Account", ACCOUNT, Risk_Stage__c="Healthy")
    await world.settle(second)
    world.fake.change("Account", ACCOUNT, Risk_Stage__c="Saved by Maria")

    forced = await world.undo(second, force=True)

    assert left == ("conflict", "changed by somebody since, and left alone: Risk_Stage__c")
    assert kept == ("Saved by Maria", 100.0)
    assert forced[0] == "undone"
    assert acme(world)["Risk_Stage__c"] == "Healthy"


async def test_the_undo_of_an_update_survives_a_lost_answer_and_a_record_that_is_gone(world: World) -> None:
    first, second = world.call("update", NEW), world.call("update", NEW)
    await world.settle(first)
    world.fake.faults.append(Fault("lost", method="PATCH"))
    with pytest.raises(Unavailable):
        await world.undo(first)

    again = await world.undo(first)
    await world.settle(second)
    world.fake.remove("Account", ACCOUNT)

    assert again == ("undone", "the values were back already")
    assert await world.undo(second) == ("nothing", "the record is gone")


async def test_what_was_there_is_looked_up_anew_when_nothing_came_of_an_attempt(world: World) -> None:
    call = world.call("update", {"object": "Account", "set": {"Risk_Stage__c": "In save play"}})
    for fault in (Fault("lost", path="/query"), Fault("status", 503, path="/sobjects/")):
        world.fake.faults.append(fault)
        with pytest.raises(Unavailable):
            await world.ledger.perform(call)
    world.fake.change("Account", ACCOUNT, Risk_Stage__c="Watched")

    await world.settle(call)
    await world.undo(call)

    assert acme(world)["Risk_Stage__c"] == "Watched"


async def test_a_worker_that_dies_while_it_looks_leaves_nothing_in_doubt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    call = world.call("update", {"object": "Account", "set": {"Risk_Stage__c": "In save play"}})

    class Killed(BaseException):
        """The worker is gone."""

    async def die(action: UpdateRecord, work: Work, request: Inputs) -> None:
        raise Killed

    with monkeypatch.context() as worker:
        worker.setattr(UpdateRecord, "look", die)
        with pytest.raises(Killed):
            await world.ledger.perform(call)

    result = await world.settle(call)

    assert result.output["changed"] == ["Risk_Stage__c"]
    assert (await world.undo(call))[0] == "undone"


async def test_an_effect_that_is_taken_back_while_it_looks_is_not_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    call = world.call("update", {"object": "Account", "set": {"Risk_Stage__c": "In save play"}})
    look = UpdateRecord.look

    async def look_slowly(action: UpdateRecord, work: Work, request: Inputs) -> Inputs:
        seen: Inputs = await look(action, work, request)
        await world.undo(call)
        return seen

    monkeypatch.setattr(UpdateRecord, "look", look_slowly)
    with pytest.raises(EffectUndone):
        await world.ledger.perform(call)

    assert world.sent("PATCH") == 0


async def test_a_session_that_runs_out_in_the_middle_is_renewed(world: World) -> None:
    call = world.call("update", NEW)
    expired = '[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]'
    world.fake.faults.append(Fault("status", 401, body=expired, method="PATCH"))

    await world.settle(call)

    assert world.troubles == []
    assert world.sent("POST", "/token") == 1
    assert acme(world)["Risk_Stage__c"] == "In save play"


async def test_which_record_must_be_said_unless_it_is_the_account(world: World) -> None:
    with pytest.raises(BadInput, match="which Contact"):
        await world.ledger.perform(world.call("update", {"object": "Contact", "set": {"Title": "CEO"}}))
    stranger = call_of(run_of(await make_account(world.database)), "salesforce.update", inputs=NEW)
    with pytest.raises(NotFound, match="linked to no Salesforce account"):
        await world.ledger.perform(stranger)
