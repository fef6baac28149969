"""What plays do at Salesforce: done once, whatever is lost on the way, and taken back unless a person was there since."""

from __future__ import annotations

import pytest

from activities.actions import salesforce_bulk
from activities.failures import BadInput
from connectors.errors import Rejected, Unavailable
from connectors.sandbox.faults import Fault
from tests.activities.salesforce_org import ACCOUNT, LOST, World, acme

pytestmark = pytest.mark.servers

CASE = {"subject": "Churn risk", "description": "Usage fell", "priority": "High", "owner": "csm"}


async def test_a_case_is_opened_for_the_csm_and_deleted_again(world: World) -> None:
    maria = world.fake.add("User", Name="Maria Lopez", Email="maria@acme.example", IsActive=True)
    call = world.call("case.create", CASE)

    result = await world.settle(call)
    (case,) = world.fake.there("Case")
    undone = await world.undo(call)

    assert result.output["id"] == case["Id"]
    assert (case["AccountId"], case["OwnerId"], case["Description"]) == (ACCOUNT, maria, "Usage fell")
    assert undone == ("undone", "deleted the record")
    assert world.fake.there("Case") == []


@pytest.mark.parametrize("fault", LOST, ids=["after", "before"])
async def test_a_case_whose_answer_was_lost_is_opened_once_by_its_key(world: World, fault: Fault) -> None:
    call = world.call("case.create", {"subject": "Churn risk"})
    world.fake.faults.append(Fault(fault.kind, fault.status, path="Playkeeper_Key__c"))

    result = await world.settle(call)

    assert len(world.troubles) == 1
    assert result.status == "done"
    assert len(world.fake.there("Case")) == 1
    assert (await world.undo(call))[0] == "undone"


async def test_a_case_that_somebody_works_on_is_left_alone_unless_forced(world: World) -> None:
    call = world.call("case.create", {"subject": "Churn risk"})
    other = world.call("case.create", {"subject": "Churn risk again"})
    case, second = (await world.settle(call)).output["id"], (await world.settle(other)).output["id"]
    for id_ in (case, second):
        world.fake.change("Case", id_, Status="Closed")

    assert await world.undo(call) == ("conflict", "changed by somebody since, and left alone: Status")
    assert (await world.undo(other, force=True))[0] == "undone"
    assert [each["Id"] for each in world.fake.there("Case")] == [case]


async def test_the_undo_of_a_case_in_doubt_finds_it_by_its_key(world: World) -> None:
    call = world.call("case.create", {"subject": "Churn risk"})
    world.fake.faults.append(Fault("lost", method="PATCH"))
    with pytest.raises(Unavailable):
        await world.ledger.perform(call)

    assert await world.undo(call) == ("undone", "deleted the record")
    assert world.fake.there("Case") == []


async def test_an_owner_whom_salesforce_does_not_know_is_refused_before_anything_is_made(world: World) -> None:
    with pytest.raises(Rejected, match="no active user with the e-mail address of Maria Lopez"):
        await world.ledger.perform(world.call("case.create", CASE))

    assert world.fake.there("Case") == []


TASK = {"subject": "Call ACME", "description": "About the renewal", "due": "3 days", "priority": "High"}


async def test_a_task_is_put_on_the_account_and_deleted_again(world: World) -> None:
    call = world.call("task.create", TASK)

    result = await world.settle(call)
    (task,) = world.fake.there("Task")
    undone = await world.undo(call)

    assert result.output["id"] == task["Id"]
    assert (task["WhatId"], task["Subject"], task["Priority"], task["Status"]) == (ACCOUNT, "Call ACME", "High", "Not Started")
    assert task["Description"].startswith("About the renewal\n\n[Playkeeper ")
    assert len(task["ActivityDate"]) == 10
    assert undone[0] == "undone"


async def test_a_task_whose_answer_was_lost_is_found_by_its_mark(world: World) -> None:
    call, twin = world.call("task.create", TASK), world.call("task.create", TASK)
    await world.settle(twin)
    world.fake.faults.append(Fault("lost", method="POST"))

    result = await world.settle(call)

    assert len(world.troubles) == 1
    assert result.status == "done"
    assert len(world.fake.there("Task")) == 2
    assert (await world.undo(call))[0] == "undone"
    assert len(world.fake.there("Task")) == 1


async def test_a_task_that_is_not_found_is_not_made_a_second_time(world: World) -> None:
    call = world.call("task.create", TASK)
    world.fake.faults.append(Fault("status", 500, method="POST"))

    result = await world.settle(call)

    assert result.status == "unknown"
    assert world.sent("POST", "/Task/") == 1


async def test_a_task_that_somebody_did_is_left_alone(world: World) -> None:
    call = world.call("task.create", TASK)
    task = (await world.settle(call)).output["id"]
    world.fake.change("Task", task, Status="Completed")

    assert (await world.undo(call))[0] == "conflict"
    assert len(world.fake.there("Task")) == 1


CONTACT = {"object": "Contact", "set": {"LastName": "Reed", "Email": "ann@acme.example"}, "account_field": "AccountId"}


@pytest.mark.parametrize("fault", [None, *LOST], ids=["nothing", "after", "before"])
async def test_a_record_of_any_object_is_made_once_and_deleted_again(world: World, fault: Fault | None) -> None:
    call = world.call("create", CONTACT)
    world.fake.faults += [Fault(fault.kind, fault.status, method="PATCH")] if fault else []

    result = await world.settle(call)
    (contact,) = world.fake.there("Contact")

    assert result.output["fields"] == {"AccountId": ACCOUNT, "LastName": "Reed", "Email": "ann@acme.example"}
    assert contact["AccountId"] == ACCOUNT
    assert (await world.undo(call))[0] == "undone"
    assert world.fake.there("Contact") == []


async def test_a_record_that_is_deleted_already_needs_no_undo(world: World) -> None:
    call = world.call("create", CONTACT)
    world.fake.remove("Contact", (await world.settle(call)).output["id"])

    assert await world.undo(call) == ("nothing", "the record is not there")


UPSERT = {"object": "Contact", "by": "Number__c", "key": 4711, "set": {"LastName": "Reed", "Title": "CFO"}}


@pytest.mark.parametrize("fault", [None, *LOST], ids=["nothing", "after", "before"])
async def test_an_upsert_makes_what_is_not_there_and_deletes_it_again(contracts: World, fault: Fault | None) -> None:
    call = contracts.call("upsert", UPSERT)
    contracts.fake.faults += [Fault(fault.kind, fault.status, method="PATCH")] if fault else []

    result = await contracts.settle(call)
    (contact,) = contracts.fake.there("Contact")

    assert result.output == {"id": contact["Id"], "created": True}
    assert contact["Number__c"] == "4711"
    assert (await contracts.undo(call))[0] == "undone"
    assert contracts.fake.there("Contact") == []


@pytest.mark.parametrize("fault", [None, *LOST], ids=["nothing", "after", "before"])
async def test_an_upsert_changes_what_is_there_and_puts_it_back(contracts: World, fault: Fault | None) -> None:
    there = contracts.fake.add("Contact", LastName="Reed", Title="Intern", Number__c="4711")
    call = contracts.call("upsert", UPSERT)
    contracts.fake.faults += [Fault(fault.kind, fault.status, method="PATCH")] if fault else []

    result = await contracts.settle(call)
    titled = contracts.fake.rows["Contact"][there]["Title"]

    assert result.output == {"id": there, "created": False}
    assert titled == "CFO"
    assert await contracts.undo(call) == ("undone", "put back Title")
    assert contracts.fake.rows["Contact"][there]["Title"] == "Intern"


async def test_an_upserted_record_that_a_person_changed_is_left_alone(contracts: World) -> None:
    there = contracts.fake.add("Contact", LastName="Reed", Title="Intern", Number__c="4711")
    changed, made = contracts.call("upsert", UPSERT), contracts.call("upsert", {**UPSERT, "key": "4712"})
    await contracts.settle(changed)
    new = (await contracts.settle(made)).output["id"]
    for id_ in (there, new):
        contracts.fake.change("Contact", id_, Title="CEO")

    assert (await contracts.undo(changed))[0] == "conflict"
    assert (await contracts.undo(made))[0] == "conflict"
    assert [each["Title"] for each in contracts.fake.there("Contact")] == ["CEO", "CEO"]


async def test_the_only_open_opportunity_is_moved_on_and_back(world: World) -> None:
    world.fake.add("Opportunity", Name="Old", AccountId=ACCOUNT, StageName="Closed Won")
    open_ = world.fake.add("Opportunity", Name="Renewal", AccountId=ACCOUNT, StageName="Proposal", Amount=100.0, CloseDate="2026-06-30")
    call = world.call("opportunity.update", {"stage": "Negotiation", "close_date": {"$date": "2026-07-31"}, "set": {"NextStep": "Call"}})
    world.fake.faults.append(LOST[0])

    result = await world.settle(call)
    row = dict(world.fake.rows["Opportunity"][open_])

    assert result.output == {"id": open_, "changed": ["StageName", "CloseDate", "NextStep"]}
    assert (row["StageName"], row["CloseDate"], row["Amount"]) == ("Negotiation", "2026-07-31", 100.0)
    assert (await world.undo(call))[0] == "undone"
    assert world.fake.rows["Opportunity"][open_]["StageName"] == "Proposal"


async def test_an_opportunity_that_a_person_moved_is_left_alone(world: World) -> None:
    named = world.fake.add("Opportunity", Name="Renewal", AccountId=ACCOUNT, StageName="Proposal")
    call = world.call("opportunity.update", {"id": named, "stage": "Negotiation"})
    await world.settle(call)
    world.fake.change("Opportunity", named, StageName="Closed Won")

    assert (await world.undo(call))[0] == "conflict"
    assert world.fake.rows["Opportunity"][named]["StageName"] == "Closed Won"


@pytest.mark.parametrize(("count", "what"), [(0, "no open opportunity"), (2, "several open opportunities")])
async def test_one_opportunity_must_be_meant(world: World, count: int, what: str) -> None:
    for number in range(count):
        world.fake.add("Opportunity", Name=f"Nr {number}", AccountId=ACCOUNT, StageName="Proposal")

    with pytest.raises(Rejected, match=what):
        await world.ledger.perform(world.call("opportunity.update", {"stage": "Negotiation"}))


BULK = {
    "object": "Contact",
    "by": "Number__c",
    "records": [
        {"Number__c": 1, "LastName": 'One, with "quotes"\nand lines', "HasOptedOutOfEmail": True},
        {"Number__c": "2", "LastName": "Two", "Title": None},
    ],
}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salesforce_bulk, "FIRST_PAUSE_S", 0.01)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault("lost", method="POST", path="/ingest"),
        Fault("lost", method="PUT"),
        Fault("status", 500, method="PUT"),
        Fault("lost", method="PATCH"),
        Fault("lost", method="GET", path="/ingest/"),
    ],
    ids=["nothing", "opening", "data", "before data", "closing", "waiting"],
)
async def test_many_records_are_upserted_as_one_job(contracts: World, fault: Fault | None) -> None:
    contracts.fake.add("Contact", LastName="Two", Title="CEO", Number__c="2")
    contracts.fake.faults += [fault] if fault else []

    result = await contracts.settle(contracts.call("bulk_upsert", BULK))

    rows = {each["Number__c"]: each for each in contracts.fake.there("Contact")}
    assert (result.output["processed"], result.output["failed"]) == (2, 0)
    assert sorted(rows) == ["1", "2"]
    assert rows["1"]["LastName"] == 'One, with "quotes"\nand lines'
    assert (rows["2"]["Title"], rows["2"]["HasOptedOutOfEmail"]) == (None, None)
    assert len([job for job in contracts.fake.bulk.jobs.values() if job["state"] == "JobComplete"]) == 1


@pytest.mark.usefixtures("quick")
async def test_records_that_a_job_refuses_are_told(contracts: World) -> None:
    records = [{"Number__c": "1", "Nonsense__c": "x"}, {"Number__c": "2", "LastName": "Two"}]

    result = await contracts.settle(contracts.call("bulk_upsert", {**BULK, "records": records}))

    assert (result.output["processed"], result.output["failed"]) == (2, 1)
    assert "Nonsense__c" in result.output["errors"][0]
    assert result.note == "1 of 2 records were refused"


async def test_every_record_of_a_job_has_its_external_id(contracts: World) -> None:
    with pytest.raises(BadInput, match='record 2 has no "Number__c"'):
        await contracts.ledger.perform(contracts.call("bulk_upsert", {**BULK, "records": [{"Number__c": 1}, {"LastName": "Two"}]}))


async def test_a_list_is_a_multi_select_and_other_values_are_refused(world: World) -> None:
    await world.settle(world.call("update", {"object": "Account", "set": {"Regions__c": ["EMEA", "APAC"]}}))

    assert acme(world)["Regions__c"] == "EMEA;APAC"
    with pytest.raises(BadInput, match="cannot be a duration"):
        await world.ledger.perform(world.call("update", {"object": "Account", "set": {"Name": {"$duration": {"days": 3}}}}))
