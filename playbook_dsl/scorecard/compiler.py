"""The compiler of scorecards: text in, a card or diagnostics out. Pure: no files, no network, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from playbook_dsl.catalog import FactDef
from playbook_dsl.compose import compose, decode
from playbook_dsl.diagnostics import Diagnostic
from playbook_dsl.scorecard.card import Card
from playbook_dsl.scorecard.parse import START, parse_card
from playbook_dsl.scorecard.reading import CardReader
from playbook_dsl.source import SourceText


@dataclass(frozen=True)
class CompiledCard:
    """The result. `card` is there when nothing is an error; `source` is for pictures."""

    card: Card | None
    diagnostics: tuple[Diagnostic, ...]
    source: SourceText


def compile_scorecard(source: bytes | str, facts: Sequence[FactDef], *, path: str = "scorecard.yaml") -> CompiledCard:
    """Compile one scorecard. Never raises, whatever the source: what is wrong with it is in the diagnostics, sorted by place.

    Args:
        source: the file, at most 256 KB of UTF-8.
        facts: every fact there is; those that are made of health may not be read.
        path: how the file is called in the diagnostics; its name must be the card's (`scorecard.yaml` and `-` are exempt).
    """
    text, report = decode(source, path)
    document = None if report.has_errors else compose(text, report, start=START)
    card = parse_card(CardReader(document, report, facts)) if document is not None else None
    return CompiledCard(None if report.has_errors else card, report.sorted(), text)
