from __future__ import annotations

import re

import pytest

from cli.main import app
from cli.reference import PAGE, command_reference
from tests.house.tree import ROOT


def test_the_reference_of_commands_is_what_the_commands_say() -> None:
    assert PAGE.read_text() == command_reference(app), "run `make docs`"


def test_every_command_and_option_says_what_it_is_for() -> None:
    sections = re.split(r"^## ", command_reference(app), flags=re.MULTILINE)[1:]

    silent = [section.splitlines()[0] for section in sections if not section.splitlines()[4]]
    assert silent == []
    assert re.findall(r"^\| `.*` \|  \|$", command_reference(app), re.MULTILINE) == []


PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "playbooks").rglob("README.md")),
]


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", (ROOT / page).read_text())

    assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in PAGES])
def test_commands_named_in_the_documentation_exist(page: str) -> None:
    known = set(re.findall(r"^## playkeeper (\S+)", command_reference(app), re.MULTILINE))
    named = set(re.findall(r"(?:`|^|bin/)playkeeper ([a-z][a-z-]+)", (ROOT / page).read_text(), re.MULTILINE))

    assert named - known == set()


def test_make_targets_named_in_the_documentation_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for page in PAGES for target in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)}

    assert named - targets == set()
