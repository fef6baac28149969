"""`make bench-scoring`: the gates of scoring side by side with what was measured. Exit code 1 when one is missed.

With `--data FILE --label COLUMN` the default trainer is judged on another table instead.
A gate is a function that gives rows; put a new one into `GATES`.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import structlog

from activities.scoring.health import shipped_card
from bench.scoring_books import Simulated, panel_of, simulated, with_oracle
from bench.scoring_impact import false_at_looks, false_churn, false_revenue, power_is_as_published
from bench.serving import MOST_BATCH_S
from bench.serving import measure as measure_serving
from scoring.health_panel import health_of_panel
from scoring.models.evidence import decide
from scoring.models.explain import Explainer
from scoring.models.files import Manifest, save, sha256_of
from scoring.models.local import LocalModel
from scoring.models.metrics import Metrics, auc, evaluate
from scoring.models.table import judge, read_table
from scoring.models.train import Trained, train
from scoring.monitor import drift_report
from scoring.panel import FeatureValue, Numbers, Panel

ROOT = Path(__file__).parents[1]
TELCO = ROOT / "storage" / "sample" / "wa_telco_churn.csv.gz"
MLC = ROOT / "tests" / "scoring" / "data" / "mlc_churn.csv.gz"
BOOK_SEED, FRESH_SEED = 4_201, 4_202
SMALL_SEEDS = range(4_301, 4_306)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    gate: str
    bar: str
    measured: str
    passed: bool


Gate: TypeAlias = Callable[[], Iterator[Row]]


def at_least(gate: str, measured: float, bar: float) -> Row:
    """Make a line whose number must reach a bar."""
    return Row(gate, f">= {bar:.3f}", f"{measured:.3f}", measured >= bar)


def at_most(gate: str, measured: float, bar: float, form: str = ".3f") -> Row:
    """Make a line whose number must stay within a bar."""
    return Row(gate, f"<= {bar:{form}}", f"{measured:{form}}", measured <= bar)


def public(path: Path) -> Metrics:
    """Judge the default trainer on a public set, out of fold."""
    return judge(read_table(path, "churn").panel, draws=0).metrics


def telco() -> Iterator[Row]:
    """IBM's Telco set."""
    found = public(TELCO)
    yield at_least(f"Telco, out of fold: AUC (base rate {found.base_rate:.3f}, n {found.n})", found["auc"], 0.84)
    yield at_most("Telco: Brier", found["brier"], 0.138)
    yield at_most("Telco: ECE", found["ece"], 0.025)


def mlc() -> Iterator[Row]:
    """The artificial set of a telephone company."""
    found = public(MLC)
    yield at_least(f"mlc_churn, out of fold: AUC (base rate {found.base_rate:.3f}, n {found.n})", found["auc"], 0.905)
    yield at_least("mlc_churn: PR-AUC", found["pr_auc"], 0.85)


@cache
def large_book(seed: int = BOOK_SEED) -> Simulated:
    """Give a book of 3,000 accounts with the oracle's probabilities."""
    book = simulated(3_000, seed)
    return with_oracle(book, panel_of(book))


@cache
def large_model() -> Trained:
    """Train on the book, by time."""
    return train(large_book().panel, "churn")


def simulator() -> Iterator[Row]:
    """3,000 accounts: trained on one book, judged on its newest window and on a book never seen."""
    trained, book, fresh = large_model(), large_book(), large_book(FRESH_SEED)
    assert trained.model is not None
    test = trained.split.test
    yield from against_oracle("fresh book", fresh, trained.model.predict(fresh.panel.values))
    newest = part_of(book, test)
    best, found = (auc(newest.panel.labels, said) for said in (newest.oracle, trained.tested))
    told = f"newest window of its own book, {newest.panel.labels.sum()} cases: AUC, oracle {best:.3f}; so few cases say little"
    yield Row(told, "(for information)", f"{found:.3f}", True)


def part_of(book: Simulated, rows: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Simulated:
    """Give some of a book's rows."""
    return Simulated(book.panel.rows(rows), book.oracle[rows])


def against_oracle(where: str, book: Simulated, said: Numbers) -> Iterator[Row]:
    """Compare predictions with the best possible ones."""
    known = ~np.isnan(book.oracle)
    rows, said = book.panel.rows(known), said[known]
    oracle = evaluate(rows.labels, book.oracle[known], rows.accounts, count=100)
    found = evaluate(rows.labels, said, rows.accounts, count=0)
    best = oracle.figures["auc"]
    error = (best.high - best.low) / 3.92
    head = f"simulator, 3,000 accounts, {where} ({found.positives} cases of {found.n} rows, oracle AUC {best.value:.3f})"
    yield at_least(f"{head}: AUC >= oracle - .030", found["auc"], best.value - 0.030)
    yield at_most(f"{where}: AUC never > oracle + 2 s.e.", found["auc"], best.value + 2 * error)
    yield at_least(f"{where}: Brier skill >= half of the oracle's", found["brier_skill"], oracle["brier_skill"] / 2)


def small_books() -> Iterator[Row]:
    """200 accounts, judged on a large book never seen; the mean of some seeds, because one is chance."""
    fresh = large_book(FRESH_SEED).panel
    areas, skills = [], []
    for seed in SMALL_SEEDS:
        trained = train(panel_of(simulated(200, seed)), "churn", draws=0)
        if trained.model is not None:
            found = evaluate(fresh.labels, trained.model.predict(fresh.values), fresh.accounts, count=0)
            areas.append(found["auc"])
            skills.append(found["brier_skill"])
    name = f"simulator, 200 accounts, fresh book (mean of {len(areas)} seeds"
    yield at_least(f"{name}, {min(areas):.3f} to {max(areas):.3f}): AUC", float(np.mean(areas)), 0.75)
    card = 100 - health_of_panel(shipped_card(), fresh).scores
    known = ~np.isnan(card)
    yield at_least(f"{name}): AUC >= the scorecard's", float(np.mean(areas)), auc(fresh.labels[known], card[known]))
    yield Row(f"{name}): Brier skill", "> 0", f"{np.mean(skills):.3f}", float(np.mean(skills)) > 0)


def leaks() -> Iterator[Row]:
    """An honest panel raises no alarm of a leak; one with a feature that knows the label is refused."""
    trained, panel = large_model(), large_book().panel
    honest = decide(trained, panel)
    rejecting = [gate for gate in honest.gates if gate.blocks == "reject"]
    yield Row(
        "leak tests on an honest panel",
        "all pass",
        f"{sum(g.passed for g in rejecting)} of {len(rejecting)}",
        all(g.passed for g in rejecting),
    )
    values = panel.values.copy()
    values[:, 0] = panel.labels + np.random.default_rng(1).normal(0, 0.1, len(panel))
    leaking = replace(panel, values=values)
    told = decide(train(leaking, "churn", draws=0), leaking)
    yield Row("a leak that was put in", "rejected", told.verdict, told.verdict == "reject")


def explanations() -> Iterator[Row]:
    """Contributions add up; a drop of usage is among the first three factors."""
    trained = large_model()
    assert trained.model is not None
    explainer, test = Explainer(trained.model), large_book().panel.rows(trained.split.test)
    yield at_most("explanations: additivity error (log-odds)", explainer.additivity_error(test.values), 1e-6, ".0e")
    values = dropped(test)
    families = [
        {factor.family for factor in factors[:3]}
        for factors in explainer.factors(values, np.clip(trained.model.predict(values), 1e-9, 1 - 1e-9))
    ]
    yield at_least(
        "a planted drop of usage is among the top three factors (share of accounts)", float(np.mean(["usage" in f for f in families])), 0.95
    )


def dropped(panel: Panel) -> Numbers:
    """Let every account's usage fall to a tenth."""
    values = panel.values.copy()
    places = {feature.name: place for place, feature in enumerate(panel.features)}
    for name in ("logins_30d", "active_users_30d", "seat_share"):
        values[:, places[name]] = np.nan_to_num(values[:, places[name]], nan=0.0) * 0.1
    for name in ("logins_trend", "active_users_trend"):
        values[:, places[name]] = np.log(0.1)
    values[:, places["days_since_login"]] = 23
    return values


def latency() -> Iterator[Row]:
    """One account, and 100,000."""
    trained, panel = large_model(), large_book().panel
    assert trained.model is not None
    file = save(trained.model, Manifest(1))
    local, now = LocalModel.load(file, sha256_of(file)), datetime.now(UTC)
    rows = [readable(panel, place) for place in range(2_000)]
    local.predictions(rows[:1], ["a"], [now], now)
    times = []
    for row in rows[:300]:
        began = time.perf_counter()
        local.predictions([row], ["a"], [now], now)
        times.append(time.perf_counter() - began)
    yield at_most("one account with factors, p99 (ms)", float(np.quantile(times, 0.99)) * 1_000, 150, ".1f")
    many = (rows * 50)[:100_000]
    began = time.perf_counter()
    local.predictions(many, ["a"] * len(many), [now] * len(many), now)
    yield at_most("100,000 accounts with factors (s)", time.perf_counter() - began, 10, ".1f")


def readable(panel: Panel, place: int) -> dict[str, FeatureValue]:
    """Give a row as snapshots store it."""
    found: dict[str, FeatureValue] = {}
    for feature, value in zip(panel.features, panel.values[place], strict=True):
        found[feature.name] = (
            None if np.isnan(value) else panel.levels[feature.name][int(value)] if feature.kind == "category" else float(value)
        )
    return found


def drift() -> Iterator[Row]:
    """Reports on samples of one population, and on one whose logins were halved."""
    panel, rng = large_book().panel, np.random.default_rng(5)
    newest = panel.rows(panel.as_of >= np.unique(panel.as_of)[-4])
    model = large_model().model
    for n in (100, 200, 1_000):
        alarms = found = 0
        for _ in range(200):
            order = rng.permutation(len(newest))
            before, now = picked(newest, order[:2_000]), picked(newest, order[2_000 : 2_000 + n])
            alarms += bool(drift_report(before, now, model).alarms)
            found += any(each.name.startswith("logins") for each in drift_report(before, halved(now), model).alarms)
        yield at_most(f"drift, n = {n}: reports that alarm though nothing changed", alarms / 200, 0.05)
        yield at_least(f"drift, n = {n}: halved logins found in their first month", found / 200, 0.95)


def picked(panel: Panel, places: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Panel:
    """Give rows in another order."""
    own = replace(panel, groups={}, mrr=None)
    return replace(own, accounts=own.accounts[places], as_of=own.as_of[places], values=own.values[places], labels=own.labels[places])


def halved(panel: Panel) -> Panel:
    """Report half of the logins, as a change of tracking would."""
    values = panel.values.copy()
    places = {feature.name: place for place, feature in enumerate(panel.features)}
    values[:, places["logins_30d"]] /= 2
    values[:, places["logins_trend"]] -= np.log(2)
    return replace(panel, values=values)


def scorecard() -> Iterator[Row]:
    """The card that comes with the product, which nobody trained."""
    panel = large_book(FRESH_SEED).panel
    found = health_of_panel(shipped_card(), panel)
    known = ~np.isnan(found.scores)
    rows = panel.rows(known)
    area = evaluate(rows.labels, 100 - found.scores[known], rows.accounts, count=0)
    yield at_least(f"the shipped scorecard on a fresh book ({area.positives} cases of {area.n} rows): AUC", area["auc"], 0.72)


def serving() -> Iterator[Row]:
    """The chain with its database: one account, kept, remote down, and a batch."""
    # What it measures is told below; that a silent endpoint was silent need not be said each time.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    spreads, batch = asyncio.run(measure_serving())
    for each in spreads:
        yield at_most(f"{each.what}: p99 (ms)", each.p99_ms, each.most_ms, ".0f")
    yield at_most(f"{batch.accounts:,} accounts predicted in one call (s CPU)", batch.predicted_s, MOST_BATCH_S, ".1f")


def impact() -> Iterator[Row]:
    """Nothing is taken for something as often as is promised."""
    for what, share in (("churn", false_churn()), ("revenue, heavy tails, a fifth held out", false_revenue())):
        yield Row(f"impact, A/A of {what}, 2,000 draws: false positives", ".035-.065", f"{share:.3f}", 0.035 <= share <= 0.065)
    yield at_most("impact, 12 planned looks: false positives", false_at_looks(planned=True), 0.056)
    open_looks = false_at_looks(planned=False)
    yield Row("impact, 12 looks without a plan, for comparison: false positives", "(about .2)", f"{open_looks:.3f}", True)
    yield Row("impact, accounts an arm as published", "equal", "equal" if power_is_as_published() else "not", power_is_as_published())


GATES: tuple[Gate, ...] = (telco, mlc, simulator, small_books, scorecard, leaks, explanations, latency, serving, drift, impact)


def show(rows: Iterator[Row]) -> bool:
    """Print lines as they come; give whether all passed."""
    passed = True
    for row in rows:
        print(f"{'pass' if row.passed else 'MISS'}  {row.bar:>10}  {row.measured:>10}   {row.gate}", flush=True)
        passed &= row.passed
    return passed


def main() -> int:
    """Measure every gate, or judge a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a table to judge instead")
    parser.add_argument("--label", default="churn")
    parser.add_argument("--only", help="a gate by its function's name")
    given = parser.parse_args()
    if given.data:
        from scoring.models.evaluate import main as evaluate_table

        return evaluate_table([str(given.data), "--label", given.label])
    print(f"      {'bar':>10}  {'measured':>10}   gate")
    results = [show(gate()) for gate in GATES if given.only in (None, gate.__name__)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
