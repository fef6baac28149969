from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.observations import KINDS, Observation, Value
from scoring.simulate.book import Book, simulate
from scoring.simulate.options import LIFELIKE, Drift, Mess, Options
from scoring.simulate.outcomes import Effect

START = date(2024, 1, 1)


def with_mess(mess: Mess, drift: Drift | None = None) -> Book:
    return simulate(Options(accounts=80, months=9, seed=3, start=START, mess=mess, drift=drift or Drift()))


def is_right(kind: str, name: str, value: Value) -> bool:
    """Say whether a value is one that its name may have."""
    if isinstance(value, Mapping):
        return all(isinstance(count, int) and count > 0 for count in value.values())
    if name == "status":
        return value in STATUSES[kind]
    if name in ("held", "left", "reopened", "auto_renew"):
        return isinstance(value, bool)
    if name in ("due", "paid", "start", "end"):
        return bool(date.fromisoformat(str(value)))
    if name in BOUNDS:
        low, high = BOUNDS[name]
        return isinstance(value, int | float) and low <= value <= high
    return isinstance(value, str | int)


def wrong_with(each: Observation) -> list[str]:
    """Say what of an observation is not as the kinds say."""
    found = [name for name in each.values if name not in KINDS[each.kind]]
    return found + [f"{name}={value}" for name, value in each.values.items() if not is_right(each.kind, name, value)]


BOUNDS = {
    "severity": (1, 4),
    "nps": (0, 10),
    "csat": (1, 5),
    "discount": (0, 1),
    "seats": (1, 10**6),
    "term_months": (1, 24),
    **dict.fromkeys(("logins", "active_users", "amount", "mrr", "first_response_h"), (0, 10**9)),
}
STATUSES = {
    "ticket": {"open", "closed"},
    "invoice": {"open", "paid", "failed", "void"},
    "contract": {"active", "renewed", "expanded", "downgraded", "churned"},
}


def test_observations_are_what_the_kinds_say(small: Book) -> None:
    seen = list(small.observations())

    assert {each.kind for each in seen} == set(KINDS)
    assert [(each.id, wrong) for each in seen if (wrong := wrong_with(each))] == []
    assert not (set(KINDS["contract"]) - {name for each in seen if each.kind == "contract" for name in each.values})


def test_the_same_seed_gives_the_same_book_and_another_seed_another() -> None:
    def everything(seed: int) -> list[Observation]:
        return list(simulate(Options(accounts=20, months=4, seed=seed, mess=LIFELIKE)).observations())

    assert everything(1) == everything(1)
    assert everything(1) != everything(2)


def test_a_tidy_book_has_unique_ids_in_order_and_nothing_known_before_it_happened(small: Book) -> None:
    seen = list(small.observations())

    assert len({each.id for each in seen}) == len(seen)
    assert [each.occurred_at for each in seen] == sorted(each.occurred_at for each in seen)
    assert all(each.occurred_at <= each.ingested_at for each in seen)


def test_an_account_alone_is_seen_as_among_all(small: Book) -> None:
    everything = list(small.observations())

    for account in ("B-0001", "B-0033", "B-0080"):
        assert list(small.observations(account)) == [each for each in everything if each.account == account]


def test_an_account_the_book_lacks_is_named(small: Book) -> None:
    with pytest.raises(KeyError, match="B-9999"):
        small.observations("B-9999")


def test_nothing_is_seen_of_who_has_left_but_that_it_left() -> None:
    book = simulate(Options(accounts=300, months=12, seed=2, start=START, base_rate=0.15))
    left = {account: on for account in book.accounts.ids.tolist() if (on := book.churned_on(account))}
    said = {each.account: each for each in book.observations() if each.values.get("status") == "churned"}

    assert {account: each.occurred_at.date() for account, each in said.items()} == left
    assert len(left) > 30
    for each in book.observations():
        if each.account in said:
            assert each.occurred_at <= said[each.account].occurred_at


def test_revenue_in_contracts_is_that_of_the_truth(small: Book) -> None:
    at = 200.0
    newest: dict[str, Observation] = {}
    for each in small.observations():
        if each.kind == "contract" and each.occurred_at <= datetime.combine(START, time(), UTC) + timedelta(days=at):
            newest[each.account] = each
    truth = dict(zip(small.accounts.ids.tolist(), small.mrr_at(at).tolist(), strict=True))

    assert {account: each.values["mrr"] for account, each in newest.items()} == pytest.approx(
        {account: mrr for account, mrr in truth.items() if account in newest}
    )


def test_the_term_that_runs_ends_after_each_contract(small: Book) -> None:
    for each in small.observations():
        if each.kind == "contract" and each.values["status"] != "churned":
            assert str(each.values["start"]) <= each.occurred_at.date().isoformat() < str(each.values["end"])


def test_usage_follows_what_nobody_sees(book: Book) -> None:
    logins = defaultdict(list)
    for place in range(0, 2_000, 10):
        for each in book.observations(str(book.accounts.ids[place])):
            if each.kind == "usage" and each.values["logins"]:
                week = min(book.options.weeks, (each.occurred_at.date() - START).days // 7) - 1
                mood = float(book.world.paths.satisfaction[week, place])
                logins["happy" if mood > 0.7 else "unhappy" if mood < -0.7 else "so so"].append(
                    int(str(each.values["logins"])) / float(book.accounts.seats[place])
                )

    assert np.mean(logins["happy"]) > 1.3 * np.mean(logins["so so"]) > 1.5 * np.mean(logins["unhappy"])


def test_sources_that_are_missing_say_nothing(small: Book) -> None:
    book = with_mess(Mess(missing=0.5, without_usage=0.25))
    kinds = {account: {each.kind for each in book.observations(account)} for account in book.accounts.ids.tolist()}
    before = {account: {each.kind for each in small.observations(account)} for account in small.accounts.ids.tolist()}
    share = {
        kind: np.mean([kind not in kinds[account] for account in kinds if kind in before[account]])
        for kind in ("usage", "ticket", "invoice", "meeting", "contact")
    }

    assert share["usage"] == pytest.approx(0.25, abs=0.15)
    assert all(share[kind] == pytest.approx(0.5, abs=0.2) for kind in ("ticket", "invoice", "meeting", "contact"))
    assert all("contract" in found for found in kinds.values())


def test_what_is_late_happened_when_it_did(small: Book) -> None:
    plain = {each.id: each for each in small.observations()}
    late = {each.id: each for each in with_mess(Mess(late=0.2)).observations()}
    delays = [(late[id].ingested_at - plain[id].ingested_at) / timedelta(days=1) for id in plain]

    assert {id: each.occurred_at for id, each in late.items()} == {id: each.occurred_at for id, each in plain.items()}
    assert np.mean([delay > 0 for delay in delays]) == pytest.approx(0.2, abs=0.02)
    assert min(delay for delay in delays if delay) >= 1


def test_what_comes_twice_is_the_same_but_for_its_arrival() -> None:
    copies = defaultdict(list)
    for each in with_mess(Mess(duplicated=0.1)).observations():
        copies[each.id].append(each)
    twice = [found for found in copies.values() if len(found) == 2]

    assert len(twice) / len(copies) == pytest.approx(0.1, abs=0.01)
    for first, second in twice:
        assert (first.occurred_at, first.values, first.subject) == (second.occurred_at, second.values, second.subject)
        assert first.ingested_at != second.ingested_at


def test_wrong_clocks_are_wrong_for_all_of_an_account(small: Book) -> None:
    plain = {each.id: each for each in small.observations()}
    skewed = list(with_mess(Mess(skewed=0.3)).observations())
    shifts = defaultdict(set)
    for each in skewed:
        if each.kind != "contract":
            shifts[each.account].add(round((each.occurred_at - plain[each.id].occurred_at).total_seconds(), -1))
    wrong = [found for found in shifts.values() if found != {0}]

    assert all(max(found) - min(found) <= 10 for found in shifts.values())
    assert len(wrong) / len(shifts) == pytest.approx(0.3, abs=0.12)
    assert any(each.occurred_at > each.ingested_at for each in skewed)


def test_out_of_order_is_the_same_in_another_order(small: Book) -> None:
    mixed = list(with_mess(Mess(out_of_order=True)).observations())
    plain = list(small.observations())

    assert mixed != plain
    assert sorted(mixed, key=lambda each: each.id) == sorted(plain, key=lambda each: each.id)


def test_a_change_of_tracking_halves_logins_and_nothing_else(small: Book) -> None:
    halved = with_mess(Mess(), Drift(logins_halved_from=5))
    changed = datetime(2024, 6, 1, tzinfo=UTC)
    sums: Counter[tuple[str, bool]] = Counter()
    for which, book in (("plain", small), ("halved", halved)):
        for each in book.observations():
            if each.kind == "usage":
                sums[which, each.occurred_at > changed] += int(str(each.values["logins"]))
    others = [{each.id: {**each.values, "logins": 0} for each in book.observations()} for book in (small, halved)]

    assert sums["halved", False] == sums["plain", False]
    assert sums["halved", True] / sums["plain", True] == pytest.approx(0.5, abs=0.02)
    assert others[0] == others[1]


def test_who_is_kept_by_a_treatment_is_seen_for_longer() -> None:
    book = simulate(Options(accounts=100, months=12, seed=2, start=START, base_rate=0.15))
    account = next(each for each in book.accounts.ids.tolist() if (book.churned_on(each) or START) > date(2024, 6, 1))
    kept = book.treat(account, date(2024, 5, 1), Effect(churn=0))
    before = list(book.observations(account))

    assert kept.churned_on(account) is None
    assert [each for each in kept.observations(account) if each in before] == [
        each for each in before if each.values.get("status") != "churned"
    ]


@settings(max_examples=25, deadline=None)
@given(
    accounts=st.integers(1, 12),
    months=st.integers(1, 8),
    seed=st.integers(0, 10_000),
    start=st.dates(date(2020, 1, 1), date(2027, 12, 31)),
    rate=st.floats(0.001, 0.5),
    joining=st.floats(0, 1),
    shares=st.lists(st.floats(0, 1), min_size=5, max_size=5),
    out_of_order=st.booleans(),
    drift_month=st.none() | st.integers(0, 12),
)
def test_whatever_the_options_the_book_is_sound(
    accounts: int,
    months: int,
    seed: int,
    start: date,
    rate: float,
    joining: float,
    shares: list[float],
    out_of_order: bool,
    drift_month: int | None,
) -> None:
    missing, without, late, duplicated, skewed = shares
    mess = Mess(missing, without, late, 4.0, duplicated, skewed, out_of_order)
    drift = Drift(drift_month, drift_month, 1.5)
    book = simulate(Options(accounts, months, seed, start, base_rate=rate, expansion_rate=rate, joining=joining, mess=mess, drift=drift))
    copies = Counter(each.id for each in book.observations())
    moments = {(each.id, each.occurred_at) for each in book.observations()}
    end = datetime.combine(book.end, time(), UTC) + timedelta(days=2)

    assert max(copies.values(), default=1) <= 2
    assert len(moments) == len(copies)
    assert all(not wrong_with(each) and each.occurred_at <= end for each in book.observations())
    truth = book.oracle([start + timedelta(days=7)], draws=3)
    assert ((truth.churn >= 0) & (truth.churn <= 1) & (truth.expansion >= 0) & (truth.expansion <= 1)).all()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (lambda: Options(accounts=0), "at least one account"),
        (lambda: Options(base_rate=0.6), "probabilities in 90 days"),
        (lambda: Options(joining=2), "joining is a share"),
        (lambda: Mess(late=1.5), "late is a share"),
        (lambda: Drift(base_rate_factor=0), "above 0"),
        (lambda: Effect(churn=-1), "0 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused(what: object, words: str) -> None:
    assert callable(what)
    with pytest.raises(ValueError, match=words):
        what()
