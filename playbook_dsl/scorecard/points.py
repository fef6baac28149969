"""How a value becomes points: a ramp, or steps."""

from playbook_dsl.diagnostics import listed
from playbook_dsl.nodes import Entry, Node
from playbook_dsl.parse.keys import Keys, short
from playbook_dsl.scorecard.card import Ramp, Step
from playbook_dsl.scorecard.reading import CardReader, Read
from playbook_dsl.types import Type
from playbook_dsl.words import Word

_ELSE = "else"
_EXAMPLES = {
    "bool": "{true: 100, false: 0}",
    "number": "{9: 100, 7: 60, else: 0}; each number is the least value that gets the points",
    "text": "{annual: 100, monthly: 40, else: 50}",
}
_MADE_INTO_NUMBERS = {
    "date": "make days of it: days_between(contract.start_date, today)",
    "datetime": "make days of it: days_between(meetings.last_at, now)",
    "money": "divide it by another amount, such as account.mrr",
    "list": "count it: len(account.tags)",
}


def ramp_of(reader: CardReader, node: Node, what: str) -> Ramp | None:
    """Read `ramp`."""
    mapping = reader.mapping(node, what, "write {low: -50, high: 10}")
    if mapping is None:
        return None
    keys = Keys(reader, mapping, what, ("low", "high"), required=("low", "high"))
    low, high = _number(keys.number("low")), _number(keys.number("high"))
    if low is None or high is None:
        return None
    if low == high:
        message = f"a ramp from {low:g} to {high:g} has no slope"
        reader.report.error("PB123", mapping.span, message, hint=f"for a single step write points: {{{high:g}: 100, else: 0}}")
        return None
    return Ramp(low=low, high=high)


def steps_of(reader: CardReader, node: Node, what: str, read: Read | None, keys: Keys) -> tuple[Step, ...]:
    """Read `points`: a line for each value; of numbers, the least value that gets the points. `else` is for all others."""
    kind = read.type if read else None
    if kind is not None and kind.kind not in _EXAMPLES:
        hint = _MADE_INTO_NUMBERS.get(kind.kind, "compare it, so that it is yes or no")
        place = keys.node("measure")
        reader.report.error(
            "PB305", (place or node).span, f"points are given to numbers, texts and yes or no, not to {kind.present()}", hint=hint
        )
        return ()
    mapping = reader.mapping(node, what, f"write {_EXAMPLES[kind.kind if kind else 'number']}")
    if mapping is None:
        return ()
    steps = [step for entry in mapping.entries if (step := _step(reader, entry, what, kind)) is not None]
    if kind is not None and len(steps) == len(mapping.entries):
        _check_whole(reader, node, what, steps, kind)
    # The highest number first: the first that is reached counts.
    steps.sort(key=lambda step: -step.value if isinstance(step.value, float) else 0)
    return tuple(sorted(steps, key=lambda step: step.value is None))


def _number(word: Word | None) -> float | None:
    return float(word.value) if word is not None and isinstance(word.value, int | float) else None


def _step(reader: CardReader, entry: Entry, what: str, kind: Type | None) -> Step | None:
    points = _number(reader.number(entry.value, f'"{short(entry.key.text)}" of {what}', least=0, most=100))
    if points is None:
        return None
    if entry.key.text == _ELSE and not entry.key.style:
        return Step(points=points)
    value = entry.key.value
    if kind is None:
        return Step(value=entry.key.text, points=points)
    fits = {
        "bool": isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "text": not kind.options or entry.key.text in kind.options,
    }
    if not fits[kind.kind]:
        message = f'{what}: the measure is a {kind.present()}, and never "{short(entry.key.text)}"'
        legal = f"legal: {listed(kind.options)}, else" if kind.options else f"write {_EXAMPLES[kind.kind]}"
        reader.report.error("PB126", entry.key.span, message, hint=legal, suggest=(entry.key.text, kind.options) if kind.options else None)
        return None
    if kind.kind == "text":
        return Step(value=entry.key.text, points=points)
    return Step(value=value if isinstance(value, bool) else float(entry.key.text), points=points)


def _check_whole(reader: CardReader, node: Node, what: str, steps: list[Step], kind: Type) -> None:
    """PB126: every value the measure can have gets points."""
    values = {step.value for step in steps}
    if None in values:
        return
    wanted: set[object] = {True, False} if kind.kind == "bool" else set(kind.options)
    left = sorted(str(value).lower() if isinstance(value, bool) else str(value) for value in wanted - values)
    if left or not wanted:
        which = f"{listed(left)} gets" if left else "other values get"
        reader.report.error(
            "PB126", node.span, f"{what} does not say how many points {which}", hint="add else: with the points of all others"
        )
