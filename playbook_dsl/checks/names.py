"""Names: the slug, ids, and everything an author names."""

import keyword
import re
import unicodedata
from collections.abc import Iterator

from playbook_dsl.diagnostics import Report
from playbook_dsl.expressions.signatures import FUNCTION_NAMES
from playbook_dsl.parse.keys import short
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.resolve.scopes import fact_types
from playbook_dsl.syntax import (
    ActionBody,
    AskBody,
    BranchBody,
    ForEachBody,
    ParallelBody,
    PlaybookSpec,
    SetBody,
    SplitBody,
    StageBody,
    Step,
    StopBody,
    TogetherBody,
    WaitUntilBody,
)
from playbook_dsl.words import Word

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
ID = re.compile(r"[a-z][a-z0-9_]{0,62}")
OUTCOME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
RESERVED_OUTCOMES = frozenset({"goal", "undone", "undo_incomplete", "cancelled"})
RESERVED_SLUGS = frozenset({"all", "new", "none", "retention", "scoring", "sweep", "sync", "system", "undo-launch"})
RESERVED_IDS = frozenset(
    {*(word for word in keyword.kwlist if word.islower()), "now", "start", "today", "true", "false", "none", "missing", "null"}
)
RESERVED_NAMES = frozenset(
    {
        *RESERVED_IDS,
        *FUNCTION_NAMES,
        *("arrived", "at_start", "counts", "error", "event", "index", "inputs", "plays", "run", "steps", "tables", "total", "trigger"),
        *("turn", "vars"),
    }
)
# What a reader confuses with a plain letter: Cyrillic and Greek look-alikes, and the figures 0 and 1.
_LOOKS_LIKE = str.maketrans("01аеорсхуіјѕανοικρτ", "olaeopcxyijsavoikpt")


def check_slug(found: Resolution, report: Report) -> None:
    """PB247 to PB249, PB254: the slug is well formed, not reserved, no other's look-alike, and the file's name."""
    slug = found.playbook.slug
    if slug is None:
        return
    if not SLUG.fullmatch(slug.text):
        _ill_formed(report, slug, "a playbook's name", SLUG, "-")
        return
    if slug.text in RESERVED_SLUGS:
        report.error(
            "PB248",
            slug.span,
            f'"{slug.text}" is kept for the product and cannot name a playbook',
            hint=f"for example {slug.text}-accounts",
        )
    for other in found.catalog.playbooks:
        if other != slug.text and skeleton(other) == skeleton(slug.text):
            report.error(
                "PB249", slug.span, f'"{slug.text}" looks like the playbook "{other}"', hint="give it a name nobody takes for the other"
            )
    file = found.document.source.path.replace("\\", "/").rpartition("/")[2]
    name = file.removesuffix(".yaml").removesuffix(".yml")
    if file not in ("playbook.yaml", "playbook.yml", "-", "<text>", "") and name != slug.text:
        report.error(
            "PB254", slug.span, f'the playbook is called "{slug.text}", but the file "{file}"', hint=f"rename the file to {slug.text}.yaml"
        )


def skeleton(name: str) -> str:
    """Give what a name looks like to a quick reader."""
    return unicodedata.normalize("NFKC", name).translate(_LOOKS_LIKE).lower()


def check_ids(found: Resolution, report: Report) -> None:
    """PB246 to PB249: ids of steps are well formed, used once, not reserved, and no look-alikes."""
    seen: dict[str, Word] = {}
    looks: dict[str, Word] = {}
    for place in found.places:
        step_id = place.step.id or _made_id(place.step)
        if step_id is None or not _well_named(report, step_id, "an id", RESERVED_IDS):
            continue
        first = seen.setdefault(step_id.text, step_id)
        if first is not step_id:
            report.error(
                "PB246",
                step_id.span,
                f'the id "{step_id.text}" is used twice; the first is in line {first.span.line}',
                hint="ids are used once in the whole file",
            )
            continue
        alike = looks.setdefault(skeleton(step_id.text), step_id)
        if alike is not step_id:
            report.error(
                "PB249",
                step_id.span,
                f'the id "{step_id.text}" looks like "{alike.text}" in line {alike.span.line}',
                hint="give one of them another name",
            )


def _made_id(step: Step) -> Word | None:
    """Give the id of a task in a list, which is made from the list's own."""
    is_task = step.id is None and step.made_id and not step.made_id.startswith("step_") and isinstance(step.body, ActionBody)
    return Word(step.span, step.made_id, "'") if is_task else None


def check_other_names(found: Resolution, report: Report) -> None:
    """PB246 to PB248: inputs, values, loop names, alternatives, branches, variants, fields, tables and exits are named well."""
    facts = frozenset(fact_types(tuple(found.catalog.facts))) - {"contact"}  # a loop over contacts names its item so on purpose
    for place in found.places:
        name = place.step.body.as_ if isinstance(place.step.body, ForEachBody) else None
        if name and name.text in facts:
            message = f'"{name.text}" is a fact and cannot be the loop\'s name: nobody could read the fact inside'
            report.error("PB248", name.span, message, hint=f"for example one_{name.text}")
    for words, what, reserved in _groups(found.playbook, [place.step for place in found.places]):
        seen: dict[str, Word] = {}
        for word in words:
            if not _well_named(report, word, what, reserved):
                continue
            first = seen.setdefault(word.text, word)
            if first is not word:
                report.error("PB246", word.span, f'{what} "{word.text}" is used twice; the first is in line {first.span.line}')


def check_plain_texts(found: Resolution, report: Report) -> None:
    """PB121 (warning): a title, a note or a reason is plain text; `{{ }}` in it stays as it is."""
    playbook = found.playbook
    words = [playbook.title, playbook.owner, *playbook.labels, *(field.help for field in playbook.inputs)]
    for place in found.places:
        step = place.step
        words += [step.title, step.note, step.urgent, step.undo.because if step.undo else None]
        words += [step.body.title if isinstance(step.body, StageBody) else None]
    for word in words:
        if word is not None and "{{" in word.text:
            report.warning(
                "PB121",
                word.span,
                'this is plain text; "{{" stays in it as it is',
                hint="write it without {{ }}; the account's name is shown beside it",
            )


def check_outcomes(found: Resolution, report: Report) -> None:
    """PB247, PB248: the outcome a `stop` names is a word, and not one the product writes itself."""
    for place in found.places:
        outcome = place.step.body.outcome if isinstance(place.step.body, StopBody) else None
        if outcome is None:
            continue
        if not OUTCOME.fullmatch(outcome.text):
            _ill_formed(report, outcome, "an outcome", OUTCOME, "-")
        elif outcome.text in RESERVED_OUTCOMES:
            message = f'the outcome "{outcome.text}" is written by the product itself'
            report.error("PB248", outcome.span, message, hint="choose another word, such as not-needed")


_Group = tuple[list[Word], str, frozenset[str]]


def _groups(playbook: PlaybookSpec, steps: list[Step]) -> Iterator[_Group]:
    yield [field.name for field in playbook.inputs], "an input's name", RESERVED_IDS
    yield [entry.key for entry in playbook.tables.entries] if playbook.tables else [], "a table's name", RESERVED_IDS
    yield [leave.name for leave in playbook.exits if leave.name], "an exit's name", frozenset()
    if playbook.enroll:
        yield [trigger.id for trigger in playbook.enroll.triggers if trigger.id], "a trigger's id", frozenset()
    for step in steps:
        yield from _groups_of(step)


def _groups_of(step: Step) -> Iterator[_Group]:
    match step.body:
        case SetBody(values=values):
            yield [name for name, _ in values], "a value's name", RESERVED_IDS
        case ForEachBody() as body:
            yield [body.as_] if body.as_ else [], "the loop's name", RESERVED_NAMES
            yield [name for name, _ in body.counts], "a count's name", RESERVED_IDS
        case WaitUntilBody(alternatives=alternatives):
            yield [alternative.name for alternative in alternatives], "an alternative's name", frozenset({"all"})
        case ParallelBody(branches=branches):
            yield [branch.name for branch in branches], "a branch's name", frozenset()
        case SplitBody(variants=variants):
            yield [variant.name for variant in variants], "a variant's name", frozenset()
        case AskBody(form=form):
            yield [field.name for field in form], "a field's name", RESERVED_IDS
        case StageBody(exits=exits):
            yield [leave.name for leave in exits if leave.name], "an exit's name", frozenset()
        case BranchBody() | TogetherBody():
            pass


def _well_named(report: Report, word: Word, what: str, reserved: frozenset[str]) -> bool:
    if not ID.fullmatch(word.text):
        _ill_formed(report, word, what, ID, "_")
        return False
    if word.text in reserved:
        report.error(
            "PB248",
            word.span,
            f'"{word.text}" has a meaning of its own and cannot be {what}',
            hint=f"for example {word.text}_step" if what == "an id" else f"for example {word.text}_value",
        )
        return False
    return True


def _ill_formed(report: Report, word: Word, what: str, pattern: re.Pattern[str], joiner: str) -> None:
    strange = next((char for char in word.text if ord(char) > 127), None)
    if strange is not None and skeleton(strange).isascii():
        name = unicodedata.name(strange, "another character")
        hint = f'"{strange}" is {name}; it only looks like "{skeleton(strange)}"'
        report.error("PB249", word.span, f'{what} cannot be "{short(word.text)}": one of its letters is not what it looks like', hint=hint)
        return
    fixed = re.sub(r"[^a-z0-9]+", joiner, unicodedata.normalize("NFKD", word.text).encode("ascii", "ignore").decode().lower()).strip("-_")[
        :63
    ]
    fixed = fixed if pattern.fullmatch(fixed) else f"step{joiner}{fixed}"[:63].rstrip("-_")
    rule = f"small letters, figures and {joiner}, starting with a letter" if joiner == "_" else "small letters, figures and -"
    report.error(
        "PB247", word.span, f'{what} cannot be "{short(word.text)}"', hint=f"it has at most 63 characters: {rule}; for example {fixed}"
    )
