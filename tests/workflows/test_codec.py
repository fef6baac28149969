from __future__ import annotations

import pytest
from temporalio.api.failure.v1 import Failure

from activities.contracts import LoadedFacts, RunInput, RunRef
from playbook_dsl.plan import ActionStep, Plan
from workflows.codec import data_converter

RUN = RunRef(tenant="main", run_id="r1", chain="c1", playbook="at-risk-save", version=7, account="acme")
STEPS = tuple(ActionStep(kind="action", id=f"step_{n}", action="note.add", inputs={"text": "Called Ms. Secret"}) for n in range(20))
INPUT = RunInput(
    run=RUN, plan=Plan(playbook="at-risk-save", title="Save", steps=STEPS), loaded=LoadedFacts(facts={"account": {"name": "ACME"}})
)


class Mirror:
    """A stand-in for the key ring: reversible, and nothing readable."""

    def seal(self, value: bytes) -> bytes:
        return b"sealed" + bytes(byte ^ 0xFF for byte in value)

    def open(self, sealed: bytes) -> bytes:
        return bytes(byte ^ 0xFF for byte in sealed.removeprefix(b"sealed"))


@pytest.mark.parametrize("cipher", [None, Mirror()])
async def test_an_input_arrives_as_it_was_sent(cipher: Mirror | None) -> None:
    converter = data_converter(cipher)
    sent = await converter.encode([INPUT])

    assert await converter.decode(sent, [RunInput]) == [INPUT]


async def test_a_sealed_payload_shows_nothing_and_is_smaller() -> None:
    (readable,) = await data_converter().encode([INPUT])
    (sealed,) = await data_converter(Mirror()).encode([INPUT])

    assert b"Secret" in readable.data
    assert b"Secret" not in sealed.SerializeToString()
    assert len(sealed.data) < len(readable.data) / 3


async def test_defaults_do_not_travel() -> None:
    (sent,) = await data_converter().encode([STEPS[0]])

    assert sent.data == b'{"id":"step_0","kind":"action","action":"note.add","inputs":{"text":"Called Ms. Secret"}}'


async def test_payloads_of_the_time_before_sealing_can_still_be_read() -> None:
    (readable,) = await data_converter().encode([INPUT])

    assert await data_converter(Mirror()).decode([readable], [RunInput]) == [INPUT]


async def test_an_error_message_is_sealed_too() -> None:
    carried = Failure()
    await data_converter(Mirror()).encode_failure(ValueError("Ms. Secret has no address"), carried)

    assert "Secret" not in carried.message
    assert b"Secret" not in carried.SerializeToString()
