"""The part of a mapping that says which turns of a record are told as events."""

import re
from collections.abc import Mapping as MappingOf
from typing import Final

from playbook_dsl.diagnostics import listed
from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.types import BOOL, DATE, DATETIME, MONEY, NUMBER, TEXT, Type
from storage.sync.mapping import Carried, EventRule, Turn
from storage.sync.reading_sources import SOURCE_KEYS, Sources

_TURNS: Final[tuple[Turn, ...]] = ("made", "becomes", "changes", "deleted")
_EVENT_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_TYPES: Final[MappingOf[str, Type]] = {
    "text": TEXT,
    "number": NUMBER,
    "bool": BOOL,
    "date": DATE,
    "datetime": DATETIME,
    "money": MONEY,
}
_EVENT_HINTS: Final[MappingOf[Turn, str]] = {
    "made": "write made: true",
    "becomes": "write becomes: {IsWon: true}",
    "changes": "write changes: [StartDate, EndDate]",
    "deleted": "write deleted: true",
}


class Events(Sources):
    """Reads it."""

    def events(self, node: Node | None) -> tuple[EventRule, ...]:
        """Give the events of a kind of record."""
        rules = [self._event(key, value) for key, value in self.entries(node, "`events`", None, "event")]
        return tuple(rule for rule in rules if rule)

    def _event(self, key: Scalar, node: Node) -> EventRule | None:
        if not _EVENT_NAME.fullmatch(key.text):
            self.report.error("PB110", key.span, f'"{key.text}" is no name of an event; write it as `opportunity.won`')
        keys = self.keys(node, f'the event "{key.text}"', (*_TURNS, "fields"))
        turns = [turn for turn in _TURNS if turn in keys]
        if len(turns) != 1:
            self.report.error("PB109", key.span, f'"{key.text}" says one of {listed(_TURNS)}')
            return None
        turn, node = turns[0], keys[turns[0]]
        conditions = self.entries(node, "`becomes`", None, "field") if turn == "becomes" else []
        where = [self.condition(name, value) for name, value in conditions]
        carried = [self._carried(name, value) for name, value in self.entries(keys.get("fields"), "`fields`", None, "field")]
        rule = EventRule(
            key.text,
            turn,
            where=tuple(one for one in where if one),
            of=self.many(node, self.text) if turn == "changes" else (),
            fields=tuple(each for each in carried if each),
        )
        self._check_turn(node, rule)
        return rule

    def _check_turn(self, node: Node, rule: EventRule) -> None:
        complete = {
            "becomes": bool(rule.where),
            "changes": bool(rule.of),
        }.get(rule.turn, isinstance(node, Scalar) and node.value is True)
        if not complete:
            self.report.error("PB110", node.span, f"`{rule.turn}` is not complete", hint=_EVENT_HINTS[rule.turn])
        if any(each.time is not None for each in rule.where):
            self.report.error("PB253", node.span, "`past` and `future` mean nothing in an event: nobody changes a record when time goes by")

    def _carried(self, key: Scalar, node: Node) -> Carried | None:
        if not isinstance(node, Mapping):
            plain = self.source(node, TEXT, {})
            return Carried(key.text, plain) if plain else None
        keys = self.keys(node, f'"{key.text}"', (*SOURCE_KEYS, "as"))
        word = self.word(keys.get("as"), tuple(_TYPES), "text")
        found = self.source(node, _TYPES[word], keys)
        return Carried(key.text, found, _TYPES[word]) if found else None
