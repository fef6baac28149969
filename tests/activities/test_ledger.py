"""Effects happen once, whatever breaks off and whoever comes again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import product

import pytest
from sqlalchemy.exc import IntegrityError

from activities.contracts import ActionCall, UndoResult
from activities.definitions.records import NOTE_ADD
from activities.effects import ExternalAction, Inputs, Ledger, Outcome, Work
from activities.failures import CannotBeUndone, EffectUndone, NotFound, RequestChanged
from connectors.email.mail import Mail
from connectors.errors import NotAuthorized, RateLimited, Rejected, Unavailable
from playbook_dsl.plan import Message
from storage.repositories.effects import EffectRecord, effect_key, find_effect
from storage.repositories.timeline import list_notes
from storage.session import Database, Session
from tests.activities.acting import TENANT, Postbox, call_of, ledger_of, make_account, run_of, undo_of

pytestmark = pytest.mark.servers


class Killed(BaseException):
    """What a worker's end looks like from inside: nothing after it runs."""


CRASHES = ("before_send", "while_sending", "after_taking", "after_answer")


@dataclass
class Crashing(Postbox):
    """A postbox that dies at the points it is told, one for each attempt."""

    crashes: list[str] = field(default_factory=list)

    async def send(self, mail: Mail) -> tuple[str, ...]:
        point = self.crashes[0] if self.crashes else ""
        if point in ("before_send", "while_sending"):
            self.crashes.pop(0)
            if point == "before_send":
                raise Killed
            raise Unavailable("the connection broke", maybe_done=True)
        self.mails.append(mail)
        if point == "after_taking":
            self.crashes.pop(0)
            raise Unavailable("the connection broke", maybe_done=True)
        return ()

    async def pause(self, work: Work) -> None:
        if self.crashes and self.crashes[0] == "after_answer":
            self.crashes.pop(0)
            raise Killed


async def until_settled(ledger: Ledger, call: ActionCall, attempts: int) -> str:
    for _ in range(attempts + 1):
        try:
            return (await ledger.perform(call)).status
        except (Killed, Unavailable):
            continue
    raise AssertionError("never settled")


SEQUENCES = [sequence for length in (1, 2, 3) for sequence in product(CRASHES, repeat=length)]


async def test_a_vendor_that_can_be_asked_gets_every_mail_exactly_once(database: Database) -> None:
    account = await make_account(database)
    for crashes in SEQUENCES:
        postbox = Crashing(can_tell=True, crashes=list(crashes))
        ledger = ledger_of(database, postbox, after_answer=postbox.pause)
        call = call_of(run_of(account), "email.send", inputs={"to": "champion", "subject": "s", "body": "b"})

        status = await until_settled(ledger, call, len(crashes))

        assert (status, len(postbox.mails)) == ("done", 1), crashes


async def test_a_vendor_that_cannot_be_asked_never_gets_a_mail_twice_and_doubt_is_said(database: Database) -> None:
    account = await make_account(database)
    for crashes in SEQUENCES:
        postbox = Crashing(crashes=list(crashes))
        ledger = ledger_of(database, postbox, after_answer=postbox.pause)
        call = call_of(run_of(account), "email.send", inputs={"to": "champion", "subject": "s", "body": "b"})

        status = await until_settled(ledger, call, len(crashes))
        again = (await ledger.perform(call)).status

        assert (status, again) == ("unknown", "unknown"), crashes
        assert len(postbox.mails) <= 1, crashes


async def test_a_refusal_is_tried_again_and_sends_once(database: Database) -> None:
    account = await make_account(database)
    postbox = Postbox(fails=[RateLimited("later"), Unavailable("no connection")])
    ledger = ledger_of(database, postbox)
    call = call_of(run_of(account), "email.send", inputs={"to": "champion", "subject": "s", "body": "b"})
    for error in (RateLimited, Unavailable):
        with pytest.raises(error):
            await ledger.perform(call)

    assert (await ledger.perform(call)).status == "done"
    assert len(postbox.mails) == 1


@pytest.mark.parametrize("error", [Rejected("no such mailbox"), NotAuthorized("wrong password")])
async def test_a_final_refusal_is_written_down_and_another_request_may_be_tried(database: Database, error: Exception) -> None:
    account = await make_account(database)
    postbox = Postbox(fails=[error])
    ledger = ledger_of(database, postbox)
    call = call_of(run_of(account), "email.send", inputs={"to": "champion", "subject": "s", "body": "b"})
    with pytest.raises(type(error)):
        await ledger.perform(call)
    key = effect_key(TENANT, call.run.chain, call.key, 0)
    async with database.begin(TENANT) as session:
        failed = await find_effect(session, key)
    result = await ledger.perform(call.model_copy(update={"inputs": {**call.inputs, "subject": "other"}}))

    assert failed is not None
    assert (failed.status, failed.detail) == ("failed", str(error))
    assert (result.status, [mail.subject for mail in postbox.mails]) == ("done", ["other"])


@pytest.mark.parametrize(("taken", "subjects"), [(True, ["s"]), (False, ["other"])])
async def test_another_request_after_a_doubtful_attempt_is_sent_only_if_the_first_was_not(
    database: Database, taken: bool, subjects: list[str]
) -> None:
    account = await make_account(database)
    postbox = Crashing(can_tell=True, crashes=["after_taking" if taken else "while_sending"])
    ledger = ledger_of(database, postbox)
    call = call_of(run_of(account), "email.send", inputs={"to": "champion", "subject": "s", "body": "b"})
    with pytest.raises(Unavailable):
        await ledger.perform(call)
    result = await ledger.perform(call.model_copy(update={"inputs": {**call.inputs, "subject": "other"}}))

    assert (result.status, [mail.subject for mail in postbox.mails]) == ("done", subjects)


async def test_the_same_step_cannot_ask_for_something_else_once_it_is_done(database: Database) -> None:
    ledger = ledger_of(database)
    call = call_of(run_of(await make_account(database)), "note.add", inputs={"text": "one"})
    await ledger.perform(call)

    with pytest.raises(RequestChanged, match="asks for something else"):
        await ledger.perform(call.model_copy(update={"inputs": {"text": "two"}, "edited": True}))


async def test_attempts_at_the_same_moment_make_one_note(database: Database) -> None:
    account = await make_account(database)
    ledger = ledger_of(database)
    call = call_of(run_of(account), "note.add", inputs={"text": "once"})

    answers = await asyncio.gather(*(ledger.perform(call) for _ in range(8)), return_exceptions=True)
    again = await ledger.perform(call)
    async with database.begin(TENANT) as session:
        notes = await list_notes(session, account)

    assert len(notes.items) == 1
    assert all(isinstance(answer, IntegrityError) or answer == again for answer in answers)


async def test_an_attempt_that_comes_after_its_undo_does_nothing(database: Database) -> None:
    account = await make_account(database)
    ledger = ledger_of(database)
    call = call_of(run_of(account), "note.add", inputs={"text": "late"})
    undone = await ledger.undo(undo_of(call))

    with pytest.raises(EffectUndone):
        await ledger.perform(call)
    async with database.begin(TENANT) as session:
        notes = await list_notes(session, account)

    assert (undone.status, notes.items) == ("nothing", [])


async def test_a_new_generation_of_an_undone_step_takes_effect_again(database: Database) -> None:
    account = await make_account(database)
    ledger = ledger_of(database)
    call = call_of(run_of(account), "note.add", inputs={"text": "again"})
    await ledger.perform(call)
    await ledger.undo(undo_of(call))
    await ledger.perform(call.model_copy(update={"generation": 1}))

    async with database.begin(TENANT) as session:
        assert len((await list_notes(session, account)).items) == 1


async def test_plays_of_other_chains_and_tenants_have_effects_of_their_own() -> None:
    keys = {effect_key(*parts) for parts in (("a", "bc", "d", 0), ("ab", "c", "d", 0), ("a", "b", "cd", 0), ("a", "bc", "d", 1))}

    assert len(keys) == 4


@dataclass
class Vendor(ExternalAction):
    """A vendor whose values can be taken back, which no built-in one has."""

    sent: dict[str, str] = field(default_factory=dict)
    fails: list[Exception] = field(default_factory=list)
    contract = replace(NOTE_ADD, internal=False)

    async def prepare(self, session: Session, work: Work) -> Inputs:
        return dict(work.call.inputs)

    async def send(self, work: Work, request: Inputs) -> Outcome:
        self.sent[work.key] = request["text"]
        if self.fails:
            raise self.fails.pop(0)
        return Outcome({"id": work.key}, vendor_id=work.key)

    async def find(self, work: Work, request: Inputs) -> Outcome | bool | None:
        return Outcome({"id": work.key}) if work.key in self.sent else False

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        if self.fails:
            raise self.fails.pop(0)
        return UndoResult(status="undone" if self.sent.pop(record.key, None) else "nothing")


async def test_an_effect_whose_outcome_is_not_known_is_taken_back_too(database: Database) -> None:
    vendor = Vendor(fails=[Unavailable("broke off", maybe_done=True)])
    ledger = Ledger(database, {"note.add": vendor})
    call = call_of(run_of(await make_account(database)), "note.add", inputs={"text": "x"})
    with pytest.raises(Unavailable):
        await ledger.perform(call)
    undone = await ledger.undo(undo_of(call))

    assert (undone.status, vendor.sent) == ("undone", {})


async def test_an_effect_that_comes_after_its_undo_is_taken_back_again(database: Database) -> None:
    call = call_of(run_of(await make_account(database)), "note.add", inputs={"text": "x"})

    class Slow(Vendor):
        async def send(self, work: Work, request: Inputs) -> Outcome:
            # The worker was thought dead, and the play was undone, while the request was on its way.
            undone.append((await ledger.undo(undo_of(call))).status)
            return await super().send(work, request)

    undone: list[str] = []
    vendor = Slow()
    ledger = Ledger(database, {"note.add": vendor})
    with pytest.raises(EffectUndone, match="taken back again"):
        await ledger.perform(call)

    assert (undone, vendor.sent) == (["nothing"], {})


async def test_an_undo_that_fails_is_written_down_and_can_be_tried_again(database: Database) -> None:
    vendor = Vendor()
    ledger = Ledger(database, {"note.add": vendor})
    call = call_of(run_of(await make_account(database)), "note.add", inputs={"text": "x"})
    await ledger.perform(call)
    vendor.fails.append(Rejected("the vendor does not want to"))
    with pytest.raises(Rejected):
        await ledger.undo(undo_of(call))
    async with database.begin(TENANT) as session:
        failed = await find_effect(session, effect_key(TENANT, call.run.chain, call.key, 0))
    undone = await ledger.undo(undo_of(call))

    assert failed is not None
    assert (failed.status, failed.detail) == ("undo_failed", "the vendor does not want to")
    assert (undone.status, vendor.sent) == ("undone", {})


async def test_a_problem_found_before_the_vendor_is_asked_leaves_nothing_to_take_back(database: Database) -> None:
    vendor = Vendor(fails=[NotFound("no running subscription")])
    ledger = Ledger(database, {"note.add": vendor})
    call = call_of(run_of(await make_account(database)), "note.add", inputs={"text": "x"})
    with pytest.raises(NotFound):
        await ledger.perform(call)
    undone = await ledger.undo(undo_of(call))

    assert (undone.status, undone.detail) == ("nothing", "it had no effect")


async def test_an_undo_that_misses_what_it_needs_is_written_down(database: Database) -> None:
    vendor = Vendor()
    ledger = Ledger(database, {"note.add": vendor})
    call = call_of(run_of(await make_account(database)), "note.add", inputs={"text": "x"})
    await ledger.perform(call)
    vendor.fails.append(NotFound("no such customer"))
    with pytest.raises(NotFound):
        await ledger.undo(undo_of(call))
    async with database.begin(TENANT) as session:
        failed = await find_effect(session, effect_key(TENANT, call.run.chain, call.key, 0))

    assert failed is not None
    assert (failed.status, failed.detail) == ("undo_failed", "no such customer")


async def test_what_cannot_be_undone_says_so(database: Database) -> None:
    ledger = ledger_of(database, Postbox())
    call = call_of(run_of(await make_account(database)), "email.send", inputs={"to": "champion", "subject": "s", "body": "b"})
    await ledger.perform(call)

    with pytest.raises(CannotBeUndone):
        await ledger.undo(undo_of(call))


async def test_a_retry_keeps_the_recipients_and_texts_of_the_first_attempt(database: Database) -> None:
    account = await make_account(database)
    postbox = Postbox(fails=[RateLimited("later")])
    ledger = ledger_of(database, postbox)
    message = Message(name="m", channel="email", subject="{{ account.name }}", body="b")
    call = call_of(
        run_of(account),
        "email.send",
        inputs={"to": "champion", "from": "round_robin(emea-cs)"},
        message=message,
        context={"account": {"name": "ACME"}},
    )
    with pytest.raises(RateLimited):
        await ledger.perform(call)
    async with database.begin(TENANT) as session:
        before = await find_effect(session, effect_key(TENANT, call.run.chain, call.key, 0))
    await ledger.perform(call)

    assert before is not None
    assert isinstance(before.request, dict)
    assert isinstance(before.request["from"], dict)
    assert postbox.mails[0].sender.address == before.request["from"]["address"]
