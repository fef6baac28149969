"""What a playbook is told about the message templates it uses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_dsl.catalog import TemplateDef
from playbook_dsl.compiler import compile_playbook
from playbook_dsl.library import read_template
from tests.playbook_dsl.catalogs import CATALOG

PLAYBOOK = """
playbook: letters
inputs: {days: integer}
steps:
  - {id: score, score.churn: {}}
  - {id: level, set: {level: "'high'"}}
  - {id: ask, ask: {by: csm, form: {why: text}, up_to: 2 days}}
  - {id: letter, email.send: {template: t, to: champion}, undo: {none: true, because: x}}
  - {id: later, note.add: {text: x}}
"""


def said(body: str, subject: str = "Hello") -> list[str]:
    template = TemplateDef("t", "email", subject, body, "templates/t.md.j2", body_line=5)
    found = compile_playbook(PLAYBOOK, replace(CATALOG, templates={"t": template})).diagnostics
    return [f"{one.code} {one.message} | {one.hint}" for one in found if one.code in ("PB255", "PB256", "PB257")]


@pytest.mark.parametrize(
    "body",
    [
        "Hi {{ recipient.first_name }}, {{ sender.name }} ({{ sender.email }})",
        "{{ account.name }} {{ account['name'] }} {{ account.csm.name | upper }} {{ account.mrr }}",
        "{{ inputs.days }} {{ vars.level }} {{ steps.score.top_factors }} {{ event.anything.at.all | default('') }}",
        "{% for c in account.contacts %}{{ loop.index }} {{ c.name }}: {{ c.role }}{% else %}{{ today }}{% endfor %}",
        "{% set who = account.name %}{{ who }} {{ who.anything }}",
        "{% macro b(x, y=1) %}{{ x }}{{ y }}{% endmacro %}{{ b(account.name) }}",
        "{{ risk.score | default(0) }} {{ risk.score or 0 }} {{ risk.score if risk.score else '-' }}",
        "{% if risk.score %}{{ risk.score }}{% elif account.country is defined %}{{ account.country | default('') }}{% endif %}",
        "{% if not account.country %}somewhere{% else %}{{ account.country | default('there') }}{% endif %}",
        "{% if steps.ask.answers.why %}{{ steps.ask.answers.why }}{% endif %}",
        "{% for i in range(3) %}{{ i }}{% endfor %}",
        "{% raw %}{{ not.read }}{% endraw %}{# {{ nor.this }} #}",
    ],
)
def test_a_template_may_read_what_its_step_may_read(body: str) -> None:
    assert said(body) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("\n{{ acount.name }}", 'PB255 the template "t" (line 6): there is no "acount" | did you mean "account"?'),
        ("{{ account.nmae }}", 'PB255 the template "t" (line 5): "account" has no field "nmae" | did you mean "name"?'),
        ("{{ account.csm.phone }}", '"account.csm" has no field "phone" | "account.csm" has: manager, name'),
        ("{{ recipient.title }}", '"recipient" has no field "title" | "recipient" has: email, first_name, name'),
        ("{{ inputs.dys }}", '"inputs" has no field "dys" | did you mean "days"?'),
        ("{{ steps.score.scor }}", '"steps.score" has no field "scor" | did you mean "score"?'),
        ("{% for c in account.contacts %}{{ c.nam }}{% endfor %}{{ c }}", '"c" has no field "nam" | did you mean "name"?'),
        ("{% if acount.name %}x{% endif %}", 'there is no "acount"'),
        ("{{ lipsum() }}", 'there is no "lipsum"'),
        ("{{ account.name | uper }}", "PB256 the template \"t\" (line 5): this is not Jinja2: No filter named 'uper'."),
        ("\n\n{% if account.name %}x", 'PB256 the template "t" (line 7): this is not Jinja2: Unexpected end of template.'),
        ("{% include 'other' %}", 'PB256 the template "t" (line 5): a template stands alone'),
        ("{{ risk.score }}", 'PB257 the template "t" (line 5): "risk.score" may be missing, and then the message cannot be written'),
        ("{{ steps.ask.answers.why }}", "{% if steps.ask.answers.why %}"),
        ("{% if account.notice_date %}{{ risk.score }}{% endif %}", '"risk.score" may be missing'),
        ("{% if risk.score %}x{% else %}{{ risk.score }}{% endif %}", '"risk.score" may be missing'),
    ],
)
def test_what_a_template_cannot_read_is_told_with_its_line(body: str, expected: str) -> None:
    assert expected in "\n".join(said(body))


def test_the_subject_is_read_too() -> None:
    assert said("x", subject="{{ acount.name }}") == ['PB255 the template "t" (subject): there is no "acount" | did you mean "account"?']


def test_a_template_file_knows_the_line_its_body_begins_in() -> None:
    template, findings = read_template("---\nchannel: email\nsubject: s\n---\n\n\n{{ acount }}\n", "t", "t.md.j2")

    assert findings == ()
    assert template is not None
    assert (template.body, template.body_line) == ("{{ acount }}\n", 7)


WORDS = "{{ }} {% %} if for in account .name risk.score endif endfor else set = x | default ( ) [ ] ' \" not raw endraw macro {# #}"
PIECES = WORDS.split()


@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join) | st.text(max_size=80))
def test_any_template_is_told_or_accepted(body: str) -> None:
    assert isinstance(said(body), list)
