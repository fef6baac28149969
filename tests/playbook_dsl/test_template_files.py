from __future__ import annotations

from playbook_dsl.template_files import check_template
from tests.playbook_dsl.catalogs import CATALOG

HEAD = "---\nchannel: email\nsubject: About {{ account.name }}\n---\n\n"


def said(body: str, head: str = HEAD) -> list[str]:
    return [one.machine_line() for one in check_template(head + body, CATALOG, "t.md.j2")]


def test_a_good_template_has_nothing_said_about_it() -> None:
    assert (
        said("Dear {{ contact.name }}, {% for c in account.contacts %}{{ c.email }}{% endfor %} {{ steps.x.y }} {{ sender.name }}\n") == []
    )


def test_an_unknown_fact_is_told_with_the_line_of_the_file() -> None:
    assert said("Dear {{ contact.name }},\n{{ account.nmae }}\n") == ['t.md.j2:7:1: "account" has no field "nmae" [PB255]']


def test_a_mistake_in_the_subject_points_at_the_subject() -> None:
    assert said("Hi\n", HEAD.replace("account.name", "acount.name")) == ['t.md.j2:3:1: there is no "acount" [PB255]']


def test_broken_braces_are_told_with_their_line() -> None:
    assert said("Hi\n\n{{ account.name }\n")[0].startswith("t.md.j2:8:1: this is not Jinja2")


def test_a_file_without_front_matter_is_told_so() -> None:
    assert check_template("Hello", CATALOG, "t.md.j2")[0].code == "PB103"
