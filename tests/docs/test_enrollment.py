"""The page about enrollment is whole: every way between states, every rule in its order, every reason."""

from __future__ import annotations

import re
from typing import get_args

from enrollment.deciding import BY_HAND, RULES
from enrollment.states import FORGIVEN, TRANSITIONS, Reason, State
from playbook_dsl.enrollment import Enroll
from tests.house.tree import ROOT

PAGE = (ROOT / "docs/enrollment.md").read_text()


def section(title: str) -> str:
    """Give the text below a heading."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_column(text: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


def test_the_diagram_has_every_way_and_no_other() -> None:
    (diagram,) = re.findall(r"^```mermaid\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    drawn = re.findall(r"^ +(\w+) --> (\w+)", diagram, re.MULTILINE)

    assert sorted(drawn) == sorted((str(state), str(to)) for state, ways in TRANSITIONS.items() for to in ways)


def test_the_tables_have_every_state_and_every_reason() -> None:
    assert first_column(section("States")) == [str(state) for state in State]
    assert first_column(section("Reasons")) == [str(reason) for reason in Reason]


def test_the_rules_stand_in_the_order_in_which_they_are_asked() -> None:
    rows = first_column(section("Rules, in the order in which they are asked"))
    named = {"excluded": "exclusions", "existed": "existing"}

    assert rows == [named.get(name, name) for name in (rule.__name__.removeprefix("_") for rule in RULES)]


def test_what_a_click_leaves_aside_is_said() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (yes|no) \|$", section("Rules, in the order in which they are asked"), re.MULTILINE)

    # Who existed before is a question about the audience.
    assert {rule for rule, aside in rows if aside == "yes"} == (BY_HAND - {"limits"}) | {"existing"}


def test_what_does_not_count_is_said() -> None:
    (sentence,) = re.findall(r"exceptions that count as never having been: (.*)", section("Again"))

    assert set(re.findall(r"`(\w+)`", sentence)) == set(map(str, FORGIVEN))


def test_every_way_of_while_active_is_said() -> None:
    assert first_column(section("Again"))[1:] == list(get_args(Enroll.model_fields["while_active"].annotation))
