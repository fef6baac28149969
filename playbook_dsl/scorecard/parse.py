"""A scorecard's file: the pass from nodes to the card. What is wrong is in the report, all of it at once."""

import re
from typing import Final

from playbook_dsl.checks.names import ID, SLUG
from playbook_dsl.nodes import Entry, Mapping, Node, Scalar, Sequence
from playbook_dsl.parse.keys import Keys, short
from playbook_dsl.scorecard.card import DEFAULT, Card, Group, Limit, Measure, Missing, Step
from playbook_dsl.scorecard.points import ramp_of, steps_of
from playbook_dsl.scorecard.reading import CardReader, Read
from playbook_dsl.timing.durations import parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.types import BOOL, NUMBER, TEXT
from playbook_dsl.values import Duration
from playbook_dsl.words import Word

TOP_KEYS: Final = (
    *("scorecard", "title", "for", "trend", "min_coverage", "missing", "bands"),
    *("segment", "weights", "groups", "exceptions"),
)
START: Final = "start with `scorecard: <name>` and `groups:`"
MOST_MEASURES: Final = 200
_GREEN, _YELLOW, _TREND_DAYS, _MIN_COVERAGE = 70.0, 40.0, 30, 0.6
_LONGEST_TREND_DAYS: Final = 365
_NEUTRAL = re.compile(r"neutral +(\d{1,3}(?:\.\d+)?)")


def parse_card(reader: CardReader) -> Card | None:
    """Give the card of a file; None, with the reasons in the report, when it cannot be used."""
    root = reader.mapping(reader.document.root, "a scorecard", START)
    if root is None:
        return None
    keys = Keys(reader, root, "the scorecard", TOP_KEYS, required=("scorecard", "groups"))
    name = _name(reader, keys)
    applies = reader.formula(keys, "for", BOOL)
    _check_whom(reader, keys, name)
    missing = keys.read("missing", lambda node, what: _missing(reader, node, what), Missing())
    no_groups: tuple[Group, ...] = ()
    no_segments: dict[str, dict[str, float]] = {}
    no_limits: tuple[Limit, ...] = ()
    groups = keys.read("groups", lambda node, what: _groups(reader, node, what, missing), no_groups)
    green, yellow = _bands(reader, keys)
    segment_by = reader.formula(keys, "segment", TEXT.maybe())
    segments = keys.read("weights", lambda node, what: _segments(reader, node, what, groups), no_segments)
    limits = keys.read("exceptions", lambda node, what: _limits(reader, node, what), no_limits)
    coverage = keys.read("min_coverage", reader.share, None)
    trend = keys.read("trend", lambda node, what: _trend(reader, node, what), _TREND_DAYS)
    title = keys.word("title")
    if reader.report.has_errors or name is None or not groups:
        return None
    return Card(
        name=name.text,
        title=title.text if title else _plain(name.text),
        applies=applies.source if applies else None,
        groups=groups,
        segment_by=segment_by.source if segment_by else "account.segment",
        segments=segments,
        limits=limits,
        min_coverage=_MIN_COVERAGE if coverage is None else coverage,
        green=green,
        yellow=yellow,
        trend_days=trend,
    )


def _plain(name: str) -> str:
    """Give a name as words: `open_tickets` is "Open tickets"."""
    words = name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def _name(reader: CardReader, keys: Keys) -> Word | None:
    name = keys.word("scorecard")
    if name is None:
        return None
    if not SLUG.fullmatch(name.text):
        message = f'a scorecard cannot be called "{short(name.text)}"'
        reader.report.error("PB247", name.span, message, hint="small letters, figures and -, beginning with a letter or a figure")
        return None
    file = reader.document.source.path.replace("\\", "/").rpartition("/")[2]
    if file not in ("scorecard.yaml", "-", "") and file.removesuffix(".yaml").removesuffix(".yml") != name.text:
        message = f'the scorecard is called "{name.text}", but the file "{file}"'
        reader.report.error("PB254", name.span, message, hint=f"rename the file to {name.text}.yaml")
    return name


def _check_whom(reader: CardReader, keys: Keys, name: Word | None) -> None:
    """PB129: the card called default is for all, and every other says for whom it is."""
    if name is None:
        return
    if name.text == DEFAULT and keys.has("for"):
        message = 'the scorecard "default" is for every account that no other one is for, so it takes no "for"'
        reader.report.error("PB129", name.span, message, hint="remove the line, or give the scorecard another name")
    elif name.text != DEFAULT and not keys.has("for"):
        message = f'nobody knows which accounts "{name.text}" is for'
        hint = f'write for: with a condition, such as account.tier == "enterprise"; only {DEFAULT} goes without'
        reader.report.error("PB129", name.span, message, hint=hint)


def _groups(reader: CardReader, node: Node, what: str, missing: Missing) -> tuple[Group, ...]:
    mapping = reader.mapping(node, what, "write a name for each group, and its measures below it")
    groups = [group for entry in (mapping.entries if mapping else ()) if (group := _group(reader, entry, missing)) is not None]
    if mapping is not None and not mapping.entries:
        reader.report.error("PB109", node.span, "a scorecard needs at least one group")
    count = sum(len(group.measures) for group in groups)
    if count > MOST_MEASURES:
        reader.report.error("PB119", node.span, f"the scorecard has {count} measures; at most {MOST_MEASURES} are computed for an account")
    _check_sum(reader, [group.weight for group in groups], what, node)
    return tuple(groups)


def _id(reader: CardReader, entry: Entry, what: str) -> bool:
    if ID.fullmatch(entry.key.text):
        return True
    message = f'{what} cannot be called "{short(entry.key.text)}"'
    reader.report.error("PB247", entry.key.span, message, hint="small letters, figures and _, beginning with a letter")
    return False


def _group(reader: CardReader, entry: Entry, missing: Missing) -> Group | None:
    what = f'group "{short(entry.key.text)}"'
    mapping = reader.mapping(entry.value, what, "write weight: and measures: below its name")
    if not _id(reader, entry, "a group") or mapping is None:
        return None
    keys = Keys(reader, mapping, what, ("title", "weight", "measures", "missing"), required=("measures",), at=entry.key.span)
    own = keys.read("missing", lambda node, label: _missing(reader, node, label), missing)
    found = keys.mapping_at("measures")
    measures = [one for each in (found.entries if found else ()) if (one := _measure(reader, each, own)) is not None]
    if found is not None and not found.entries:
        reader.report.error("PB109", found.span, f"{what} needs at least one measure")
    if found is not None:
        _check_sum(reader, [one.weight for one in measures], f'"measures" of {what}', found)
    title = keys.word("title")
    weight = keys.read("weight", lambda node, label: _weight(reader, node, label), 1.0)
    title_text = title.text if title else _plain(entry.key.text)
    return Group(id=entry.key.text, title=title_text, weight=weight, measures=tuple(measures)) if measures else None


def _measure(reader: CardReader, entry: Entry, missing: Missing) -> Measure | None:
    what = f'measure "{short(entry.key.text)}"'
    mapping = reader.mapping(entry.value, what, "write measure: and ramp: below its name")
    if not _id(reader, entry, "a measure") or mapping is None:
        return None
    legal = ("title", "measure", "ramp", "points", "weight", "missing")
    keys = Keys(reader, mapping, what, legal, required=("measure",), at=entry.key.span)
    read = reader.formula(keys, "measure", NUMBER.maybe() if keys.has("ramp") else None)
    if keys.has("ramp") == keys.has("points"):
        message = f"{what} has two ways to points" if keys.has("ramp") else f"{what} does not say how its value becomes points"
        hint = "keep one of them" if keys.has("ramp") else "write ramp: {low: 0, high: 100}, or points: with a line for each value"
        reader.report.error("PB122", entry.key.span, message, hint=hint)
        return None
    ramp = keys.read("ramp", lambda node, label: ramp_of(reader, node, label), None)
    no_steps: tuple[Step, ...] = ()
    steps = keys.read("points", lambda node, label: steps_of(reader, node, label, read, keys), no_steps)
    weight = keys.read("weight", lambda node, label: _weight(reader, node, label), 1.0)
    own = keys.read("missing", lambda node, label: _missing(reader, node, label), missing)
    title = keys.word("title")
    if read is None or (ramp is None and not steps):
        return None
    return Measure(
        id=entry.key.text,
        title=title.text if title else _plain(entry.key.text),
        value=read.source,
        unit=_unit(reader, read),
        paths=read.paths,
        ramp=ramp,
        steps=steps,
        weight=weight,
        missing=own,
    )


def _unit(reader: CardReader, read: Read) -> str | None:
    """Give the unit of a measure that is one fact."""
    return reader.facts[read.source].unit if read.source in reader.facts else None


def _weight(reader: CardReader, node: Node, what: str) -> float:
    """Read a weight: a number, or a share such as 40%; weights are brought to a sum of 100 % by themselves."""
    text = node.text.strip() if isinstance(node, Scalar) else ""
    if text.endswith("%"):
        share = reader.share(node, what)
        return 0.0 if share is None else share * 100
    word = reader.number(node, what, least=0, most=10_000)
    return float(word.value) if word is not None and isinstance(word.value, int | float) else 0.0


def _check_sum(reader: CardReader, weights: list[float], what: str, node: Node) -> None:
    """PB125: something must weigh something."""
    if weights and not sum(weights) and not reader.report.has_errors:
        reader.report.error("PB125", node.span, f"nothing in {what} weighs anything", hint="give at least one of them a weight above 0")


def _missing(reader: CardReader, node: Node, what: str) -> Missing:
    text = node.text.strip() if isinstance(node, Scalar) else ""
    if text in ("skip", "worst", "neutral"):
        return Missing.model_validate({"policy": text})
    neutral = _NEUTRAL.fullmatch(text)
    if neutral and float(neutral[1]) <= 100:
        return Missing(policy="neutral", points=float(neutral[1]))
    if isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        word = reader.number(node, what, least=0, most=100)
        return Missing() if word is None else Missing(policy="fixed", points=float(text))
    hint = "skip leaves the measure out, worst is its fewest points, neutral is 50 or as in neutral 60, a number is points of your own"
    if isinstance(node, Scalar) and not node.is_null:
        reader.report.error("PB115", node.span, f'{what} cannot be "{short(text)}"', hint=hint)
    else:
        reader.wrong_shape(node, what, "a word or a number", hint)
    return Missing()


def _bands(reader: CardReader, keys: Keys) -> tuple[float, float]:
    mapping = keys.mapping_at("bands")
    if mapping is None:
        return _GREEN, _YELLOW
    own = Keys(reader, mapping, '"bands"', ("green", "yellow"), required=("green", "yellow"))
    green, yellow = _value(own.number("green", 0, 100)), _value(own.number("yellow", 0, 100))
    if green is None or yellow is None:
        return _GREEN, _YELLOW
    if not 0 < yellow < green:
        message = f"green begins at {green:g} and yellow at {yellow:g}, so a band has no scores"
        reader.report.error("PB124", mapping.span, message, hint="yellow must begin above 0, and green above yellow")
    return green, yellow


def _value(word: Word | None) -> float | None:
    return float(word.value) if word is not None and isinstance(word.value, int | float) else None


def _segments(reader: CardReader, node: Node, what: str, groups: tuple[Group, ...]) -> dict[str, dict[str, float]]:
    """Read weights by segment: of groups by their name, of measures as `group.measure`."""
    known = {group.id for group in groups} | {f"{group.id}.{measure.id}" for group in groups for measure in group.measures}
    mapping = reader.mapping(node, what, "write enterprise: {usage: 20, support: 50}")
    found: dict[str, dict[str, float]] = {}
    for entry in mapping.entries if mapping else ():
        label = f'the weights of "{short(entry.key.text)}"'
        inner = reader.mapping(entry.value, label, "write {usage: 20, support: 50}")
        own: dict[str, float] = {}
        for weight in inner.entries if inner else ():
            if weight.key.text in known:
                own[weight.key.text] = _weight(reader, weight.value, f'"{weight.key.text}" of {label}')
            elif groups:
                message = f'the scorecard has no group and no measure "{short(weight.key.text)}"'
                hint = "a measure is named with its group, such as usage.logins"
                reader.report.error("PB260", weight.key.span, message, hint=hint, suggest=(weight.key.text, sorted(known)))
        if groups and inner is not None and not sum(own.get(group.id, group.weight) for group in groups):
            reader.report.error(
                "PB125", entry.key.span, f"nothing in {label} weighs anything", hint="give at least one group a weight above 0"
            )
        found[entry.key.text] = own
    return found


def _limits(reader: CardReader, node: Node, what: str) -> tuple[Limit, ...]:
    if isinstance(node, Mapping):
        reader.wrong_shape(node, what, "a list", "put a dash before each: - if: …")
        return ()
    items = node.items if isinstance(node, Sequence) else reader.items(node, what)
    return tuple(limit for item in items if (limit := _limit(reader, item)) is not None)


def _limit(reader: CardReader, node: Node) -> Limit | None:
    mapping = reader.mapping(node, "an exception", "write - {if: support.open_sev1 > 0, cap: 40}")
    if mapping is None:
        return None
    keys = Keys(reader, mapping, "the exception", ("if", "cap", "floor", "because"), required=("if",))
    when = reader.formula(keys, "if", BOOL)
    cap, floor, because = _value(keys.number("cap", 0, 100)), _value(keys.number("floor", 0, 100)), keys.word("because")
    if not keys.has("cap") and not keys.has("floor"):
        reader.report.error(
            "PB127", keys.span, "the exception does not say what it changes", hint="add cap: (at most) or floor: (at least)"
        )
    elif cap is not None and floor is not None and floor > cap:
        reader.report.error(
            "PB127", keys.span, f"no score is at least {floor:g} and at most {cap:g}", hint="make the floor smaller than the cap"
        )
    if when is None:
        return None
    return Limit(when=when.source, because=because.text if because else when.source, paths=when.paths, cap=cap, floor=floor)


def _trend(reader: CardReader, node: Node, what: str) -> int:
    word = reader.word(node, what)
    if word is None:
        return _TREND_DAYS
    try:
        span = parse_duration(word.text)
    except TimingError:
        span = Duration()
    if span != Duration(days=span.days) or not 1 <= span.days <= _LONGEST_TREND_DAYS:
        message = f'{what} takes whole days, from 1 to {_LONGEST_TREND_DAYS}, not "{short(word.text)}"'
        reader.report.error("PB501", word.span, message, hint="write 30 days")
        return _TREND_DAYS
    return int(span.days)
