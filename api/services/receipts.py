"""What an undo of many plays did, effect by effect, or what it would do."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from activities.undo_ahead import differences, look_ahead
from api.schemas.launches import Receipt, UndoReport
from api.services.bulk import job_out
from playbook_dsl.plan import ActionStep, walk
from playbook_dsl.values import Json
from storage.bulk_tables import BulkJob
from storage.enrollment.published import find_published
from storage.pages import MAX_PAGE
from storage.repositories.receipts import EffectCount, Scope, count_effects, page_effects, steps_of, versions_of
from storage.session import Database, Session
from storage.tables import Effect, Step

_TAKES_BACK: Final = ("reversible", "compensable")
_HAPPENED: Final = ("done", "unknown", "intended")
COLUMNS: Final = (
    "account",
    "run",
    "step",
    "action",
    "title",
    "effect_class",
    "outcome",
    "detail",
    "field",
    "ours",
    "now",
    "at",
    "undone_at",
)


def outcome_of(status: str, effect_class: str) -> str:
    """Give what the ledger alone says of taking an effect back."""
    match status:
        case "undone" | "conflict":
            return status
        case "undo_failed":
            return "failed"
        case _ if status not in _HAPPENED:
            return "nothing"
    return "open" if effect_class in _TAKES_BACK else "impossible"


async def counts_of(session: Session, scope: Scope) -> dict[str, int]:
    """Count effects by outcome."""
    found: dict[str, int] = {}
    one: EffectCount
    for one in await count_effects(session, scope):
        outcome = outcome_of(one.status, one.effect_class)
        found[outcome] = found.get(outcome, 0) + one.count
    return dict(sorted(found.items()))


async def receipts(
    session: Session, scope: Scope, *, ahead: bool, force: bool, after: str | None = None, limit: int = 50
) -> tuple[list[Receipt], str | None]:
    """Give receipts, the oldest effect first, and the cursor of the next page.

    Args:
        session: the transaction; nothing in it is changed.
        scope: whose effects.
        ahead: no undo was asked for yet, so what it would meet is looked up as far as that is possible without asking vendors.
        force: whether the undo is to overwrite what people changed since.
        after: the cursor of the page before.
        limit: receipts a page.
    """
    page = await page_effects(session, scope, after=after, limit=limit)
    steps = await steps_of(session, page.items)
    kept = await _kept_by_their_authors(session, page.items)
    # Looking ahead rolls back, and what was read before must outlive that.
    session.expunge_all()
    found = [await _receipt(session, one, steps, kept, ahead=ahead, force=force) for one in page.items]
    return found, page.next


async def _receipt(
    session: Session,
    effect: Effect,
    steps: Mapping[tuple[str, str], Step],
    kept: Mapping[tuple[str, str], str],
    *,
    ahead: bool,
    force: bool,
) -> Receipt:
    outcome, detail = outcome_of(effect.status, effect.effect_class), effect.detail
    step = steps.get((effect.run, effect.step_key))
    if outcome in ("open", "impossible") and step is not None and step.status in ("undone", "conflict"):
        # An action of the author's own took it back; the ledger has that as an effect of its own.
        outcome, detail = step.status, step.detail
    elif outcome == "open" and (effect.run, effect.step_key) in kept:
        outcome, detail = "kept", kept[effect.run, effect.step_key] or "its author said that it stays"
    elif outcome == "impossible":
        detail = detail or kept.get((effect.run, effect.step_key)) or f"{effect.action} cannot be taken back"
    elif outcome == "open" and ahead:
        said = await look_ahead(session, effect, force=force)
        if said is not None and said.status != "undone":
            outcome, detail = said.status, said.detail
    changed = await differences(session, effect) if outcome == "conflict" else []
    first = changed[0] if changed else None
    return Receipt(
        account=effect.account,
        run=effect.run,
        step=effect.step_key,
        action=effect.action,
        title=effect.title,
        effect_class=effect.effect_class,
        outcome=outcome,
        detail=detail,
        field=first.field if first else None,
        ours=first.ours if first else None,
        now=first.now if first else None,
        at=effect.intended_at,
        undone_at=effect.undone_at,
    )


async def _kept_by_their_authors(session: Session, effects: Sequence[Effect]) -> dict[tuple[str, str], str]:
    """Give the effects whose step says `undo: {none: true}`, with the reason written there."""
    versions = await versions_of(session, list(effects))
    kept: dict[tuple[str, str], str] = {}
    for effect in effects:
        slug, number = versions.get(effect.run, ("", 0))
        playbook = await find_published(session, slug, number) if slug else None
        name = effect.step_key.rpartition(".")[2].partition("[")[0]
        for step in walk(playbook.plan.steps) if playbook is not None else ():
            if isinstance(step, ActionStep) and step.id == name and step.undo.by == "none":
                kept[effect.run, effect.step_key] = step.undo.because or ""
    return kept


async def report(session: Session, scope: Scope, job: BulkJob | None, *, force: bool, after: str | None, limit: int) -> UndoReport:
    """Give a page of receipts with the counts of all; without a command it is a dry run."""
    shown = await job_out(session, job) if job is not None else None
    counts = await counts_of(session, scope)
    items, following = await receipts(session, scope, ahead=job is None, force=force, after=after, limit=limit)
    return UndoReport(dry_run=job is None, job=shown, counts=counts, items=items, next=following)


async def as_csv(database: Database, tenant: str, scope: Scope, job: BulkJob | None, *, force: bool) -> AsyncIterator[str]:
    """Give every receipt as CSV, page by page."""
    yield csv_line(COLUMNS)
    after: str | None = None
    while True:
        async with database.begin(tenant) as session:
            found, after = await receipts(session, scope, ahead=job is None, force=force, after=after, limit=MAX_PAGE)
        for one in found:
            tree = one.model_dump(mode="json")
            yield csv_line([_cell(tree[name]) for name in COLUMNS])
        if after is None:
            return


def csv_line(cells: Sequence[str]) -> str:
    """Give one record of a CSV file. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell for cell in cells])
    return text.getvalue()


def _cell(value: Json) -> str:
    return "" if value is None else str(value)
