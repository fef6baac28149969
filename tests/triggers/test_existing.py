"""The accounts that match already when a version is published."""

from __future__ import annotations

import pytest

from storage.session import Database
from tests.triggers.support import archive, playbook, plays, publish, put, refusals, rows, tick

pytestmark = pytest.mark.servers


def of_segment(segment: str, existing: str, when: str = "  when: [{change: account.tier}]\n") -> str:
    return f'{when}  audience: account.segment == "{segment}"\n  existing: {existing}\n'


async def test_preview_counts_and_starts_nothing(database: Database) -> None:
    for number in range(3):
        await put(database, f"P-{number}", segment="p")
    told = await publish(database, playbook("previews", of_segment("p", "preview")))
    again = await publish(database, playbook("previews", of_segment("p", "preview")))
    await tick(database)

    assert told is not None
    assert (told.then, told.accounts, told.launch, again) == ("preview", 3, None, None)
    assert await plays(database, "previews") == []


async def test_include_brings_all_of_them_in(database: Database) -> None:
    for number in range(5):
        await put(database, f"I-{number}", segment="i")
    await put(database, "I-9", segment="other")
    told = await publish(database, playbook("includes", of_segment("i", "include")))
    for _ in range(3):
        await tick(database)

    assert told is not None
    assert (told.accounts, await plays(database, "includes")) == (5, [f"I-{number}" for number in range(5)])
    done = f"id = '{told.launch}' AND status = 'done' AND accounts = 5 AND counts = '{{\"entered\": 5}}' AND kind = 'publish'"
    assert await rows(database, "launch", done.replace(":", "\\:")) == 1


async def test_an_archived_playbook_stops_its_launch(database: Database) -> None:
    await put(database, "S-1", segment="s")
    await publish(database, playbook("stops", of_segment("s", "include")))
    await archive(database, "stops")
    await tick(database)

    assert await plays(database, "stops") == []
    assert await rows(database, "launch", "playbook = 'stops' AND status = 'cancelled'") == 1


async def test_only_new_ones_enter(database: Database) -> None:
    await put(database, "N-1", segment="n", tier="a")
    await put(database, "N-2", segment="n", tier="a")
    told = await publish(database, playbook("news", of_segment("n", "only_new")))
    await put(database, "N-3", segment="n", tier="a")
    await put(database, "N-1", tier="b")
    await tick(database)
    first, refused = await plays(database, "news"), await refusals(database, "news")
    await put(database, "N-2", segment="away")
    await tick(database)
    await put(database, "N-2", segment="n", tier="c")
    await tick(database)

    assert told is not None
    assert (told.accounts, first, refused) == (2, ["N-3"], {"N-1": "existed_at_publish"})
    assert await plays(database, "news") == ["N-2", "N-3"]


async def test_who_came_since_stays_new_with_the_next_version(database: Database) -> None:
    await publish(database, playbook("versions", of_segment("v", "only_new")))
    await put(database, "V-1", segment="v", tier="a")
    await publish(database, playbook("versions", of_segment("v", "only_new", "  when: [{change: account.tier, to: a}]\n")))
    await put(database, "V-1", tier="b")
    await put(database, "V-1", tier="a")
    await tick(database)

    assert await plays(database, "versions") == ["V-1"]


async def test_another_version_with_the_same_condition_forgets_nothing(database: Database) -> None:
    becomes = "  when: [{becomes: usage.seat_share > 0.9}]\n"
    await put(database, "K-1", segment="k", usage={"seat_share": 0.5})
    await publish(database, playbook("keeps", of_segment("k", "preview", becomes)))
    await put(database, "K-1", usage={"seat_share": 0.95})
    await publish(database, playbook("keeps", of_segment("k", "preview", becomes) + "  priority: 3\n"))
    await tick(database)

    assert await plays(database, "keeps") == ["K-1"]
