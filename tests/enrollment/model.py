"""A case by `decide` alone: what an account has behind it is worked out here a second time, from the case's own rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from enrollment.deciding import Asked, Decision, Past, decide
from enrollment.holdout import arm_of
from enrollment.rules import Rules
from enrollment.states import OPEN, State
from storage.enrollment.scopes import scope_of
from storage.facts import AccountRows
from storage.tables import Account, Tenant
from tests.database import TENANT
from tests.enrollment.cases import ACCOUNT, Case, Tree

NOT_COUNTED = ("undone", "withdrawn", "no_longer_eligible")


@dataclass
class Row:
    """An enrollment, as far as rules look at it."""

    account: str
    key: str
    state: str
    at: datetime
    beside: bool = False
    reason: str = ""
    until: datetime | None = None
    left: datetime | None = None


def account_row(case: Case, name: str) -> Account:
    """Give an account of a case; `facts` by root name, all else columns."""
    given = {"id": f"{case.slug}.{name}", "name": name.upper(), **case.accounts[name]}
    if "mrr" in given:
        given["mrr"] = Decimal(str(given["mrr"]))
    return Account(tenant=TENANT, **given)


def tenant_row(case: Case) -> Tenant:
    """Give the team of a case."""
    return Tenant(id=TENANT, name="Acme Software", currency="USD", country="DE", **case.tenant)


def row_of(case: Case, given: Tree) -> Row:
    """Read a line of `history`."""
    state = given["state"]
    at = case.at(given.get("at") or given.get("begun")) or case.now
    return Row(
        account=given.get("account", ACCOUNT),
        key=given.get("key", ""),
        state=state,
        at=at,
        beside=given.get("beside", False),
        reason=given.get("reason", "completed" if state == "left" else ""),
        until=case.at(given.get("until")),
        left=case.at(given.get("left")),
    )


class Model:
    """What the database would hold, in memory."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.rows = [row_of(case, given) for given in case.history]
        self.arms = {name: arm if isinstance(arm, str) else arm["arm"] for name, arm in case.arms.items()}

    def enter(self, comer: Tree, rules: Rules, now: datetime) -> Decision:
        """Decide about one who comes, and take note of it."""
        name = comer.get("account", ACCOUNT)
        event, inputs = comer.get("event"), comer.get("inputs") or {}
        trigger = {"kind": comer.get("trigger", "manual"), "id": comer.get("trigger_id"), **({"event": event} if event else {})}
        account, tenant = account_row(self.case, name), tenant_row(self.case)
        rows = AccountRows(account, tenant, [], {}, tuple(self.case.plays.get(name, ())), 0)
        scope = scope_of(rows, rules, now, trigger=trigger, inputs=inputs)
        key = comer["key"] if "key" in comer else rules.key(scope)

        def arm(stratum: str) -> str:
            return self.arms.setdefault(name, arm_of(TENANT, self.case.slug, account.id, stratum, rules.holdout_share))

        asked = Asked(
            now=now,
            past=self._past(name, key),
            scope=lambda: scope,
            ignore=frozenset(comer.get("ignore", ())),
            arm=arm,
            excluded=self._exempted(name, "playbook", now),
            exempt=self._exempted(name, "holdout", now),
            existed=name in self.case.existed,
            once="key" in comer,
        )
        decision = decide(rules, asked)
        if decision.state is not State.REFUSED:
            waits_beside = any(row.state in OPEN for row in self._of(name, key))
            self.rows.append(Row(name, key, decision.state, now, beside=waits_beside, until=decision.until))
        return decision

    def _of(self, name: str, key: str) -> list[Row]:
        return [row for row in self.rows if row.account == name and row.key == key]

    def _past(self, name: str, key: str) -> Past:
        theirs = self._of(name, key)
        opened = sorted((row for row in theirs if row.state in OPEN), key=lambda row: (row.state != "active", row.beside, row.at))
        ends = [row.left for row in theirs if row.state == "left" and row.left and row.reason not in NOT_COUNTED]
        return Past(
            open=State(opened[0].state) if opened else None,
            since=opened[0].at if opened else None,
            until=opened[0].until if opened else None,
            waiting=any(row.beside and row.state in ("queued", "suppressed") for row in opened),
            left_at=max(ends, default=None),
        )

    def _exempted(self, name: str, of: str, now: datetime) -> str | None:
        segment = self.case.accounts[name].get("segment")
        for one in self.case.exemptions:
            until = self.case.at(one.get("until"))
            mine = one.get("playbook", self.case.slug) in ("", self.case.slug) and one.get("of", "playbook") == of
            meant = one.get("segment") == segment if "segment" in one else one.get("account", ACCOUNT) == name
            if mine and meant and (until is None or until > now):
                return str(one.get("because", "Because"))
        return None
