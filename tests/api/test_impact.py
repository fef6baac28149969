"""Impact from the draw to the page: real accounts, real arms, outcomes as the database notes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from cli.main import app
from settings import Settings
from storage.encryption import KeyRing
from storage.repositories.effects import add_effect
from storage.session import Database
from storage.tables import Effect
from tests.api.conftest import KEYS, Caller, Served
from tests.database import TENANT

pytestmark = pytest.mark.servers

JsonTree = Any
STEPS = "steps:\n  - id: call\n    task.create: {title: Call, owner: csm, due: 3 days, wait: true}\n"
HOLDOUT = "holdout: {share: 30%, stratify: [account.tier], measure: churn}"
DRAWN = datetime.now(UTC) - timedelta(days=200)
WINDOW = timedelta(days=60)


class Books:
    """The database as its owner sees it: fills in pasts that no request can make."""

    def __init__(self, url: str) -> None:
        self._url = url

    def run(self, statement: str, *rows: tuple[object, ...]) -> None:
        """Run a statement once, or once for each row of values."""
        asyncio.run(self._run(statement, rows or ((),)))

    def add_accounts(self, *rows: tuple[object, ...]) -> None:
        """Add accounts: tenant, id, mrr, currency, segment."""
        into = "INSERT INTO account (tenant, id, name, status, mrr, currency, segment)"
        self.run(f"{into} VALUES ($1, $2, $2, 'active', $3::text::numeric, $4, $5)", *rows)

    def read(self, query: str, *values: object) -> list[asyncpg.Record]:
        return asyncio.run(self._read(query, values))

    async def _run(self, statement: str, rows: tuple[tuple[object, ...], ...]) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.executemany(statement, rows)
        finally:
            await connection.close()

    async def _read(self, query: str, values: tuple[object, ...]) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._url)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    def fill(self, playbook: str, *, tenant: str, treated: int, control: int, lost: tuple[int, int], drawn: datetime = DRAWN) -> None:
        """Make accounts with arms, of which the first so many of each arm are lost ten days later."""
        rows, arms, words, scores = [], [], [], []
        for arm, n, gone in (("treated", treated, lost[0]), ("control", control, lost[1])):
            for number in range(n):
                name, tier = f"{playbook}-{arm}-{number}", "growth" if number % 2 else "scale"
                status = "churned" if number < gone else "active"
                rows.append((tenant, name, status, tier))
                arms.append((tenant, playbook, name, arm, tier, drawn))
                if number < gone:
                    words.append((tenant, name, drawn + timedelta(days=10)))
                scores.append((tenant, name, drawn + timedelta(days=55), 50.0 + number % 20))
        self.run("INSERT INTO account (tenant, id, name, status, tier, mrr, currency) VALUES ($1, $2, $2, $3, $4, 100, 'USD')", *rows)
        self.run(
            "INSERT INTO arm (tenant, playbook, account, arm, stratum, share, drawn_at, mrr, currency, status, health) "
            "VALUES ($1, $2, $3, $4, $5, 0.3, $6, 100, 'USD', 'active', 50)",
            *arms,
        )
        for table in ("observation", "score_history"):
            for day in (drawn, drawn + timedelta(days=10), drawn + timedelta(days=55)):
                self.run("SELECT playkeeper_month_partition($1, $2)", (table, day.date()))
        if words:
            self.run(
                "INSERT INTO observation (tenant, account, occurred_at, id, kind, subject, values) "
                """VALUES ($1, $2, $3, 'status:churned', 'contract', 'account', '{"status": "churned"}')""",
                *words,
            )
        self.run(
            "INSERT INTO score_history (tenant, kind, account, as_of, score, level, source, model_version, coverage) "
            "VALUES ($1, 'health', $2, $3, $4, '', 'scorecard', 'v1', 1)",
            *scores,
        )


@pytest.fixture(scope="module")
def books(owner_url: str) -> Books:
    return Books(owner_url)


@pytest.fixture(scope="module")
def terminal(served: Served, settings: Settings) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYKEEPER_API_URL", served.url)
        patch.setenv("PLAYKEEPER_DATA_DIR", str(settings.data_dir))
        patch.setenv("PLAYKEEPER_ACTOR", "maria")
        yield


def publish(api: Caller, slug: str, holdout: str = HOLDOUT, more: str = "") -> None:
    rest = f", {holdout}" if holdout else ""
    api.publish(f"playbook: {slug}\ntitle: {slug.title()}\nenroll: {{again: {{after: 60 days}}{rest}}}\n{more}{STEPS}")


def measure(found: JsonTree, name: str) -> JsonTree:
    return next(each for each in found["measures"] if each["measure"] == name)


def playkeeper(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, f"{arguments}: {result.exit_code} {result.output} {result.exception!r}"
    return result.output


def test_the_draw_writes_down_what_the_account_was_worth_and_how_it_was(api: Caller, books: Books) -> None:
    publish(api, "drawn")
    names = [f"drawn-{number}" for number in range(8)]
    for name in names:
        facts = {"health": {"score": 40}, "risk": {"score": 89}, "usage": {"logins": {"last_30d": 7}}}
        api.put(f"/v1/accounts/{name}", {"name": "ACME", "csm": "maria", "tier": "growth", "mrr": "500", "currency": "EUR", "facts": facts})
    api.post("/v1/launches", {"playbook": "drawn", "accounts": names})
    rows = books.read("SELECT * FROM arm WHERE playbook = 'drawn'")
    api.put(f"/v1/accounts/{names[0]}", {"name": "ACME", "csm": "maria", "mrr": "450", "currency": "EUR"})
    change = books.read("SELECT * FROM revenue_change WHERE account = $1 ORDER BY at", names[0])[-1]
    found = api.get("/v1/playbooks/drawn/impact")

    assert {(row["mrr"], row["currency"], row["status"], row["health"], row["risk"], row["logins"]) for row in rows} == {
        (500, "EUR", "active", 40, 89, 7)
    }
    assert len(rows) == 8
    assert (change["before"], change["after"]) == (500, 450)
    assert found["verdict"] == "too_early"
    assert sum(arm["drawn"] for arm in found["arms"].values()) == 8
    assert found["plan"]["next_look"] == 1


def test_a_playbook_that_saves_accounts_is_effective_at_a_planned_look(api: Caller, books: Books, terminal: None) -> None:
    publish(api, "saves")
    books.fill("saves", tenant=TENANT, treated=700, control=300, lost=(35, 75))
    before = api.get("/v1/playbooks/saves/impact")
    look = api.post("/v1/playbooks/saves/impact/looks", status=201)
    refused = api.post("/v1/playbooks/saves/impact/looks", status=409)
    after = api.get("/v1/playbooks/saves/impact", params={"hour": 100})
    churn, told = measure(after, "churn"), playkeeper("impact", "saves")

    assert before["verdict"] == "too_early"
    assert "may be taken now" in before["words"][0]
    assert (look["verdict"], look["look"], look["treated"], look["control"]) == ("effective", 4, 700, 300)
    assert look["boundary"] > 3
    assert look["effect"]["high"] < 0
    assert refused["code"] == "IMP001"
    assert (churn["treated"]["value"], churn["control"]["value"]) == (0.05, 0.25)
    assert churn["effect"]["value"] == pytest.approx(-0.2, abs=0.001)
    assert churn["effect"]["low"] < -0.2 < churn["effect"]["high"] < 0
    assert churn["decides"]
    assert after["verdict"] == "effective"
    assert after["window_days"] == 60
    assert after["power"]["base_rate"] == 0.25
    assert (after["arms"]["treated"]["matured"], after["arms"]["treated"]["under_way"]) == (700, 0)
    assert measure(after, "arr")["effect"]["value"] == pytest.approx(0.2 * 1200, rel=0.01)
    assert measure(after, "nrr")["control"]["value"] == 0.75
    assert after["money"]["treated_arr"] == 700 * 1200
    assert after["money"]["saved"]["low"] < after["money"]["saved"]["value"] < after["money"]["saved"]["high"]
    assert any("100 USD" in line for line in after["money"]["assumptions"])
    assert told.startswith("Saves (saves): effective")
    assert "25.0 % of 300" in told


def test_nothing_is_inconclusive_and_says_what_would_have_been_seen(api: Caller, books: Books) -> None:
    publish(api, "idle")
    books.fill("idle", tenant=TENANT, treated=700, control=300, lost=(70, 31))
    look = api.post("/v1/playbooks/idle/impact/looks", status=201)
    found = api.get("/v1/playbooks/idle/impact")

    assert look["verdict"] == found["verdict"] == "inconclusive"
    assert "The smallest effect that this many accounts would show" in found["words"][0]
    assert found["plan"]["next_look"] == 5
    assert not found["plan"]["due"]


def test_what_is_not_known_is_left_out_and_counted(api: Caller, books: Books) -> None:
    publish(api, "gaps")
    books.fill("gaps", tenant=TENANT, treated=60, control=40, lost=(0, 0))
    books.run("UPDATE account SET status = 'churned' WHERE id = 'gaps-treated-1'")
    books.run("DELETE FROM observation WHERE account = 'gaps-treated-1'")
    books.run("UPDATE arm SET currency = 'GBP' WHERE account = 'gaps-treated-2'")
    books.run("UPDATE arm SET drawn_at = now() - interval '5 days' WHERE account IN ('gaps-treated-3', 'gaps-control-3')")
    books.run("UPDATE arm SET contaminated_at = now() WHERE account LIKE 'gaps-control-1%'")
    found = api.get("/v1/playbooks/gaps/impact")

    assert measure(found, "churn")["unknown"] == {"lost_unknown_when": 1}
    assert measure(found, "churn")["treated"]["unknown"] == 1
    assert measure(found, "arr")["unknown"]["other_currency"] == 1
    assert (found["arms"]["treated"]["matured"], found["arms"]["treated"]["under_way"]) == (59, 1)
    assert found["contamination"]["control_played"] == 11
    assert any("were played all the same" in line for line in found["words"])
    assert any("2 more accounts is not over yet" in line for line in found["words"])


def test_plays_of_other_playbooks_that_touch_one_arm_more_are_said(api: Caller, books: Books) -> None:
    publish(api, "mixed")
    books.fill("mixed", tenant=TENANT, treated=100, control=100, lost=(0, 0))
    runs = [(TENANT, f"r-{number}", f"mixed-treated-{number}", DRAWN + timedelta(days=3)) for number in range(60)]
    runs += [(TENANT, f"late-{number}", f"mixed-control-{number}", DRAWN + timedelta(days=90)) for number in range(60)]
    books.run(
        "INSERT INTO run (tenant, id, chain, workflow_id, account, playbook, version, state, outcome, trigger, title, progress, sequence, "
        "started_at) VALUES ($1, $2, $2, $2, $3, 'onboarding', 1, 'closed', 'completed', 'manual', '', '', 0, $4)",
        *runs,
    )
    found = api.get("/v1/playbooks/mixed/impact")
    (other,) = found["contamination"]["others"]

    assert (other["playbook"], other["treated"], other["control"], other["differs"]) == ("onboarding", 60, 0, True)
    assert found["contamination"]["touched_by_others"] == {"treated": 60, "control": 0}
    assert any('"onboarding"' in line for line in found["words"])


def test_the_cost_is_what_was_done_for_the_treated(api: Caller, books: Books, application_url: str) -> None:
    publish(api, "costly")
    books.fill("costly", tenant=TENANT, treated=50, control=30, lost=(0, 0))
    at, late = DRAWN + timedelta(days=3), DRAWN + timedelta(days=90)
    runs = [(TENANT, f"c-{number}", f"costly-treated-{number}", at if number < 20 else late) for number in range(30)]
    books.run(
        "INSERT INTO run (tenant, id, chain, workflow_id, account, playbook, version, state, outcome, trigger, title, progress, sequence, "
        "started_at) VALUES ($1, $2, $2, $2, $3, 'costly', 1, 'closed', 'completed', 'manual', '', '', 0, $4)",
        *runs,
    )
    books.run(
        "INSERT INTO task (tenant, id, kind, status, account, title, why, priority, run, generation, round, reminders) "
        "VALUES ($1, $2, 'task', 'done', $3, 'Call', '', 'normal', $2, 0, 0, 0)",
        *(row[:3] for row in runs),
    )
    books.run(
        "INSERT INTO touch (tenant, effect, recipient, account, channel, run, playbook) VALUES ($1, $2, 'ada', $3, 'email', $2, 'costly')",
        *(row[:3] for row in runs),
    )
    terms = {"duration": "repeating", "duration_in_months": 3, "percent_off": 10.0}
    asyncio.run(
        discount(application_url, "c-1", {"percent_off": 10.0, "amount_off": None, "terms": terms}),
    )
    asyncio.run(discount(application_url, "c-2", {"terms": {"duration": "someday"}}))
    found = api.get("/v1/playbooks/costly/impact", params={"hour": 60, "minutes_per_task": 30, "email": 0.5})["money"]

    # The plays after the time of the experiment are no part of it. A tenth of 100 a month is let off for three months.
    assert found["effort"] == {"tasks": 20, "emails": 20, "sms": 0, "discounts": 30.0, "discounts_unknown": 1}
    assert (found["cost"]["value"], found["cost"]["low"], found["cost"]["high"]) == (640, 340, 940)


async def discount(url: str, run: str, request: JsonTree) -> None:
    """Write a discount into the ledger as a play would."""
    database = Database(url, KeyRing.parse(KEYS))
    row = Effect(
        key=f"d-{run}",
        chain=run,
        run=run,
        step_key="discount",
        action="stripe.apply_discount",
        effect_class="reversible",
        account=f"costly-treated-{run.removeprefix('c-')}",
        status="done",
        digest="",
    )
    async with database.begin(TENANT) as session:
        await add_effect(session, row, request=request)
    await database.close()


def test_another_tenants_accounts_are_not_seen(api: Caller, books: Books) -> None:
    publish(api, "shared-name")
    books.run("INSERT INTO tenant (id, name, currency, zone) VALUES ('other', 'Other', 'USD', 'UTC') ON CONFLICT DO NOTHING")
    books.fill("shared-name", tenant="other", treated=50, control=50, lost=(0, 25))
    found = api.get("/v1/playbooks/shared-name/impact")
    listed = api.get("/v1/analytics/impact")["playbooks"]

    assert {arm["drawn"] for arm in found["arms"].values()} == {0}
    assert found["words"][0].startswith("Too early: nobody has entered")
    assert next(each for each in listed if each["playbook"] == "shared-name")["treated"] == 0


def test_without_a_holdout_nothing_can_be_concluded_and_it_says_how(api: Caller) -> None:
    publish(api, "blind", holdout="")
    found = api.get("/v1/playbooks/blind/impact")
    refused = api.post("/v1/playbooks/blind/impact/looks", status=409)
    power = api.get("/v1/playbooks/blind/power", params={"base_rate": 0.1})
    page = api.get("/v1/analytics/impact")

    assert found["verdict"] == "inconclusive"
    assert 'Add "holdout: {share: 15%}" to its "enroll"' in found["words"][0]
    assert found["measures"] == []
    assert refused["code"] == "IMP002"
    assert "leaves nobody alone" in power["words"][0]
    assert "blind" in page["without_holdout"]


def test_a_plan_is_laid_down_before_anything_is_known(api: Caller, books: Books) -> None:
    publish(api, "planned")
    plan = api.put("/v1/playbooks/planned/impact/plan", {"looks": 4, "every_days": 14})
    again = api.put("/v1/playbooks/planned/impact/plan", {"looks": 3, "every_days": 20})
    books.fill("planned", tenant=TENANT, treated=30, control=20, lost=(0, 2), drawn=datetime.now(UTC) - timedelta(days=85))
    refused = api.call("PUT", "/v1/playbooks/planned/impact/plan", {"looks": 50, "every_days": 1}, status=409)
    look = api.post("/v1/playbooks/planned/impact/looks", status=201)

    assert (plan["looks"], plan["every_days"], plan["next_at"]) == (4, 14, None)
    assert (again["looks"], again["every_days"]) == (3, 20)
    assert refused["code"] == "IMP003"
    assert look["look"] == 1


def test_publishing_again_changes_nothing_of_what_decides(api: Caller, books: Books, terminal: None) -> None:
    publish(api, "again")
    books.fill("again", tenant=TENANT, treated=60, control=40, lost=(2, 4))
    before = api.get("/v1/playbooks/again/impact")
    look = api.post("/v1/playbooks/again/impact/looks", status=201)
    other = "holdout: {share: 30%, stratify: [account.tier], measure: usage}"
    publish(api, "again", other, "goal: {name: kept, if: health.score >= 65, within: 300 days}\n")
    after = api.get("/v1/playbooks/again/impact")
    plan = api.call("PUT", "/v1/playbooks/again/impact/plan", {"looks": 50, "every_days": 1}, status=409)
    refused = api.post("/v1/playbooks/again/impact/looks", status=409)

    assert before["plan"]["differs"] is None
    assert [each["look"] for each in after["plan"]["taken"]] == [look["look"]]
    assert (after["decides"], after["window_days"], after["plan"]["version"]) == ("churn", 60, 1)
    assert after["arms"] == before["arms"]
    assert "Version 2, which is published, says usage and 300 days; that begins no new experiment." in after["plan"]["differs"]
    assert after["plan"]["differs"] in after["words"]
    assert (plan["code"], refused["code"]) == ("IMP003", "IMP001")
    assert "that begins no new experiment" in playkeeper("impact", "again")


def test_what_is_not_looked_at_yet_is_laid_down_by_the_first_draw(api: Caller, books: Books) -> None:
    publish(api, "first")
    planned = api.put("/v1/playbooks/first/impact/plan", {"looks": 3, "every_days": 20})
    publish(api, "first", "holdout: {share: 30%, measure: health}")
    anew = api.put("/v1/playbooks/first/impact/plan", {"looks": 4, "every_days": 20})
    api.put("/v1/accounts/first-1", {"name": "ACME", "csm": "maria"})
    api.post("/v1/launches", {"playbook": "first", "accounts": ["first-1"]})
    publish(api, "first", "holdout: {share: 30%, measure: arr}", "goal: {name: kept, if: health.score >= 65, within: 1 minute}\n")
    drawn = api.put("/v1/playbooks/first/impact/plan", {"looks": 5, "every_days": 20})
    (kept,) = books.read("SELECT * FROM experiment WHERE playbook = 'first'")

    assert (planned["measure"], planned["version"], planned["looks"]) == ("churn", 1, 3)
    assert (anew["measure"], anew["version"], anew["looks"]) == ("health", 2, 4)
    assert (drawn["measure"], drawn["version"], drawn["looks"], drawn["watched"]) == ("health", 2, 5, "60 days")
    assert "says arr and 1 minute" in drawn["differs"]
    assert (kept["measure"], kept["version"], kept["window_s"], kept["by"]) == ("health", 2, 60 * 86_400, "maria")


def test_a_look_is_not_wasted_on_a_handful_nor_taken_before_its_time(api: Caller, books: Books) -> None:
    publish(api, "few")
    publish(api, "fresh")
    books.fill("few", tenant=TENANT, treated=30, control=5, lost=(0, 0))
    books.fill("fresh", tenant=TENANT, treated=30, control=20, lost=(0, 0), drawn=datetime.now(UTC) - timedelta(days=70))
    few = api.post("/v1/playbooks/few/impact/looks", status=409)
    fresh = api.post("/v1/playbooks/fresh/impact/looks", status=409)

    assert "each group needs 10 accounts" in few["detail"]
    assert "Look 1 of 12 is due on" in fresh["detail"]
    assert api.get("/v1/playbooks/few/impact")["plan"]["taken"] == []


SCORED = (
    "INSERT INTO score_now (tenant, kind, account, score, probability, level, source, model_version, feature_set, coverage) "
    "VALUES ($1, 'churn', $2, 60, $3, 'high', $4, 'churn-1', '', 1)"
)


def test_what_a_scorecard_stands_in_with_is_no_base_rate(api: Caller, books: Books, terminal: None) -> None:
    books.run("DELETE FROM observation WHERE kind = 'contract'")
    rows = [(TENANT, f"stood-{number}") for number in range(500)]
    books.add_accounts(*((*row, "100", "USD", "stood") for row in rows))
    books.run(SCORED, *((*row, 0.1, "scorecard") for row in rows))
    api.publish("playbook: stood\ntitle: Stood\nenroll: {audience: account.segment == 'stood', holdout: {share: 20%}}\n" + STEPS)
    unknown = api.get("/v1/playbooks/stood/power", params={"share": 0.5})
    told = playkeeper("power", "stood", "--share", "0.5")
    day = datetime.now(UTC) - timedelta(days=100)
    books.run("SELECT playkeeper_month_partition('observation', $1)", (day.date(),))
    books.run("SELECT playkeeper_month_partition('observation', $1)", (datetime.now(UTC).date(),))
    observation = (
        "INSERT INTO observation (tenant, account, occurred_at, id, kind, subject, values) "
        """VALUES ($1, $2, $3, 'status', 'contract', 'account', jsonb_build_object('status', $4::text))"""
    )
    books.run(observation, (TENANT, "stood-0", day, "active"))
    none = api.get("/v1/playbooks/stood/power", params={"share": 0.5})
    books.run(observation, *((TENANT, f"stood-{number}", datetime.now(UTC) - timedelta(hours=1), "churned") for number in range(30)))
    books.run("UPDATE account SET status = 'churned' WHERE id = ANY($1)", ([f"stood-{number}" for number in range(30)],))
    books.run("UPDATE score_now SET source = 'champion' WHERE account LIKE 'stood-%'")
    seen = api.get("/v1/playbooks/stood/power", params={"share": 0.5})
    customers = books.read("SELECT count(*) FROM account WHERE tenant = $1 AND status <> 'churned'", TENANT)[0][0]
    short = api.get("/v1/playbooks/stood/power", params={"days": 1})
    books.run("DELETE FROM observation WHERE kind = 'contract'")

    assert (unknown["base_rate"]["source"], unknown["base_rate"]["value"], unknown["smallest_reduction"]) == ("unknown", None, None)
    assert [each["base_rate"] for each in unknown["at_base_rates"]] == [0.02, 0.05, 0.1, 0.2]
    assert round(unknown["at_base_rates"][2]["smallest_reduction"], 2) == 0.63
    assert "is no base rate" in unknown["words"][0]
    assert "at a base rate of 10% the smallest that could be seen: 63% fewer losses" in told
    assert (none["base_rate"]["source"], none["base_rate"]["value"]) == ("observed", 0)
    assert "was lost in 90 days, so" in none["words"][0]
    assert (seen["base_rate"]["source"], seen["base_rate"]["accounts"]) == ("observed", customers + 30)
    assert seen["base_rate"]["value"] == pytest.approx(30 / (customers + 30), abs=1e-5)
    assert seen["at_base_rates"] == []
    assert (short["watched"], short["base_rate"]["value"]) == ("1 day", seen["base_rate"]["value"])


def test_power_before_a_launch(api: Caller, books: Books, terminal: None) -> None:
    books.run("DELETE FROM observation WHERE kind = 'contract'")
    publish(api, "asked")
    given = api.get("/v1/playbooks/asked/power", params={"base_rate": 0.1, "share": 0.2})
    rows = [(TENANT, f"asked-{number}") for number in range(3_000)]
    books.add_accounts(*((*row, "100", "USD", "asked") for row in rows))
    books.run(
        "INSERT INTO score_now (tenant, kind, account, score, probability, level, source, model_version, feature_set, coverage) "
        "VALUES ($1, 'churn', $2, 60, 0.1, 'medium', 'champion', 'churn-1', '', 1)",
        *rows,
    )
    api.publish(
        "playbook: asked\ntitle: Asked\nenroll: {audience: account.segment == 'asked', again: {after: 90 days}, holdout: {share: 20%}}\n"
        + STEPS
    )
    found = api.get("/v1/playbooks/asked/power")
    preview = api.post("/v1/launches/preview", {"playbook": "asked", "most": 10})
    told = playkeeper("power", "asked")

    assert given["base_rate"]["source"] == "given"
    assert (found["eligible"], found["control"], found["days"]) == (3_000, 600, 90)
    assert (found["base_rate"]["value"], found["base_rate"]["source"], found["base_rate"]["accounts"]) == (0.1, "predicted", 3_000)
    assert round(found["smallest_reduction"], 2) == 0.37
    assert not found["provable"]
    assert found["needed"][2]["per_arm"] == 1_353
    assert "37%" in preview["power"]
    assert "to see 30% fewer losses: 1,353 an arm" in told


def test_revenue_at_risk_by_group(api: Caller, books: Books, terminal: None) -> None:
    rows = [(TENANT, f"risk-{number}", "big" if number % 2 else "small") for number in range(40)]
    books.add_accounts(*((*row[:2], "1000", "USD", row[2]) for row in rows))
    books.add_accounts((TENANT, "risk-gbp", "1", "GBP", "big"), (TENANT, "risk-free", None, "USD", "big"))
    books.run(
        "INSERT INTO score_now (tenant, kind, account, score, probability, level, source, model_version, feature_set, coverage) "
        "VALUES ($1, 'churn', $2, 60, 0.25, 'high', 'champion', 'churn-1', '', 1)",
        *[row[:2] for row in rows[:-2]],
    )
    found = api.get("/v1/analytics/revenue-at-risk", params={"by": "segment"})
    groups = {each["group"]: each for each in found["groups"]}
    told = playkeeper("revenue-at-risk", "--by", "level")
    page = json.loads(playkeeper("impact", "--json"))
    books.run(SCORED, *((*row[:2], 0.5, "scorecard") for row in rows[-2:]))
    second = api.get("/v1/analytics/revenue-at-risk")
    mixed = second["total"]
    stood_in = playkeeper("revenue-at-risk")

    assert groups["big"]["at_risk"]["value"] == pytest.approx(19 * 12_000 * 0.25)
    assert groups["big"]["at_risk"]["low"] < groups["big"]["at_risk"]["value"] < groups["big"]["at_risk"]["high"]
    assert found["total"]["at_risk"]["value"] == pytest.approx(sum(each["at_risk"]["value"] for each in found["groups"]))
    assert found["left_out"]["other_currency"] >= 1
    assert found["left_out"]["no_revenue"] >= 1
    assert found["left_out"]["no_score"] >= 2
    assert (groups["big"]["by_model"]["accounts"], groups["big"]["by_stand_in"]["accounts"]) == (19, 0)
    assert (mixed["by_model"]["accounts"], mixed["by_stand_in"]["accounts"]) == (found["total"]["accounts"], 2)
    assert (mixed["by_stand_in"]["arr"], mixed["by_stand_in"]["at_risk"]) == (
        24_000,
        {"value": 12_000, "low": None, "high": None, "level": 0.95},
    )
    assert mixed["at_risk"]["value"] == mixed["by_model"]["at_risk"]["value"] + 12_000
    assert (mixed["at_risk"]["low"], mixed["at_risk"]["high"]) == (None, None)
    assert mixed["by_model"]["at_risk"]["low"] < mixed["by_model"]["at_risk"]["value"]
    assert "A scorecard stood in for 2 accounts, with 24,000 USD a year" in second["words"][1]
    assert any("nobody measured" in line for line in second["assumptions"])
    assert not any("nobody measured" in line for line in found["assumptions"])
    assert "by stand in: 12,000 (interval unknown), 2 accounts with 24,000" in stood_in
    assert "high" in told
    assert page["risk"]["at_risk"] == found["total"]["at_risk"]
