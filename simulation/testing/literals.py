"""Values as a test's author writes them, read by the type they must have: `500 EUR`, `2027-03-01`, `+120 days`."""

import re
from datetime import date, datetime
from decimal import Decimal

from playbook_dsl.diagnostics import Report
from playbook_dsl.nodes import Entry, Mapping, Node, Scalar, Sequence
from playbook_dsl.parse.keys import shape
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.durations import add, parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.timing.wall import at_minute, moment
from playbook_dsl.types import ANY, Type
from playbook_dsl.values import Money, Value

_MONEY = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s+([A-Z]{3})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}):([0-9]{2})")
_WRITE = {
    "money": "500 EUR",
    "date": "2027-03-01, or +120 days from the start",
    "datetime": "2027-03-01 09:00, or +2 hours from the start",
    "duration": "3 business days",
    "number": "42",
    "bool": "true or false",
}


class Literals:
    """Reads values; what does not fit is reported and read as missing."""

    def __init__(self, report: Report, start: datetime, calendar: BusinessCalendar) -> None:
        """Dates such as `+120 days` count from `start`."""
        self.report = report
        self.start = start
        self.calendar = calendar

    def read(self, node: Node, kind: Type | None, what: str) -> Value:
        """Give the value of a node that must have a type; None means any."""
        wanted = kind or ANY
        if isinstance(node, Mapping) and wanted.kind in ("record", "any"):
            return self.record(node, wanted, what)
        if isinstance(node, Sequence) and wanted.kind in ("list", "any"):
            return [self.read(item, wanted.item, what) for item in node.items]
        if isinstance(node, Mapping | Sequence):
            self._wrong(node, wanted, what)
            return None
        if node.is_null:
            return None
        found = self._scalar(node, wanted)
        if found is None:
            self._wrong(node, wanted, what)
        elif wanted.options and found not in wanted.options:
            self.report.error("PB115", node.span, f'{what} cannot be "{node.text[:60]}"', suggest=(node.text, wanted.options))
        return found

    def _wrong(self, node: Node, wanted: Type, what: str) -> None:
        write = _WRITE.get(wanted.kind, f"a {wanted.kind}")
        self.report.error("PB304", node.span, f"{what} must be {wanted}, not {shape(node)}", hint=f"write {write}")

    def record(self, node: Mapping, kind: Type, what: str) -> dict[str, Value]:
        """Give a record; a dotted key stands for nested records, a field the type does not know is reported."""
        found: dict[str, Value] = {}
        for entry in nested(node).entries:
            name = entry.key.text
            known = kind.fields.get(name)
            if known is None and kind.kind == "record" and not kind.open:
                self.report.error("PB202", entry.key.span, f'{what} has no field "{name}"', suggest=(name, tuple(kind.fields)))
                continue
            found[name] = self.read(entry.value, known, f'"{name}"')
        return found

    def _scalar(self, node: Scalar, wanted: Type) -> Value:
        value, text = node.value, node.text.strip()
        match wanted.kind:
            case "text":
                return node.text
            case "number":
                return value if isinstance(value, int | float) and not isinstance(value, bool) else None
            case "bool":
                return value if isinstance(value, bool) else None
            case "money":
                money = _MONEY.fullmatch(text)
                return Money(Decimal(money[1]), money[2]) if money else None
            case "date" | "datetime" | "duration":
                return self._time(text, wanted.kind)
        return self._guessed(node)

    def _guessed(self, node: Scalar) -> Value:
        """Give what the text looks like: where a type is not known, dates and money still are what they are in a play."""
        text = node.text.strip()
        if not node.style:
            if money := _MONEY.fullmatch(text):
                return Money(Decimal(money[1]), money[2])
            if _DATE.fullmatch(text):
                return self._time(text, "date")
        return node.value

    def _time(self, text: str, kind: str) -> Value:
        try:
            if kind == "duration":
                return parse_duration(text)
            if text[:1] in ("+", "-"):
                at = add(self.start, parse_duration(text.removeprefix("+")), self.calendar)
                return at if kind == "datetime" else at.astimezone(self.calendar.tz).date()
            if kind == "date":
                return date.fromisoformat(text) if _DATE.fullmatch(text) else None
            match = _MOMENT.fullmatch(text)
            if match:
                return moment(at_minute(date.fromisoformat(match[1]), int(match[2]) * 60 + int(match[3])), self.calendar.tz)
        except (TimingError, ValueError):
            pass
        return None


def nested(node: Mapping) -> Mapping:
    """Give the map with dotted keys (`health.score`) turned into maps in maps."""
    entries: dict[str, Entry] = {}
    for entry in node.entries:
        head, _, rest = entry.key.text.partition(".")
        if not rest:
            entries[head] = entry
            continue
        inner = Entry(Scalar(entry.key.span, rest, entry.key.style), entry.value)
        before = entries.get(head)
        below = before.value.entries if before and isinstance(before.value, Mapping) else []
        key = Scalar(entry.key.span, head, entry.key.style)
        entries[head] = Entry(key, Mapping(entry.key.span, [*below, inner]))
    return Mapping(node.span, list(entries.values()), node.is_flow)
