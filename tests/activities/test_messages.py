from __future__ import annotations

import pytest

from activities.contracts import JsonTree
from activities.failures import TemplateFailed
from activities.messages import markdown_to_html, render

CONTEXT: dict[str, JsonTree] = {
    "account": {
        "name": "ACME",
        "mrr": {"$money": ["1200.5", "EUR"]},
        "zone": "Europe/Berlin",
        "tags": ["a", "b"],
        "items": "own field",
        "csm": None,
    },
    "renewal": {"$date": "2027-01-31"},
    "meeting": {"$datetime": "2026-11-23T08:00:00+00:00"},
    "wait": {"$duration": {"business_days": 3}},
    "champion": None,
    "score": 5.0,
    "steps": {"letter": {"message_id": "m1"}},
}

RENDERED = {
    "Dear {{ account.name }}": "Dear ACME",
    "{{ account.mrr }}": "1200.50 EUR",
    "{{ renewal }} {{ meeting }}": "31 Jan 2027 23 Nov 2026 09:00",
    "{{ wait }}, {{ score }}": "3 business days, 5",
    "{% for tag in account.tags %}[{{ tag }}]{% endfor %}": "[a][b]",
    "{% if champion %}x{% else %}nobody{% endif %}": "nobody",
    "{{ account.csm | default('the team') }}": "the team",
    "{{ account.items }}": "own field",
    "{{ account['name'] | upper }}": "ACME",
    "{% if steps.meeting.start %}x{% else %}no step has run{% endif %}": "no step has run",
    "{{ steps.meeting['start'] | default('soon') }}": "soon",
    "{% if account.csm is defined %}x{% else %}none{% endif %}": "none",
}


@pytest.mark.parametrize(("source", "expected"), RENDERED.items())
def test_values_print_as_in_every_other_text(source: str, expected: str) -> None:
    assert render("t", source, CONTEXT) == expected


FAILS = {
    "{{ champion.name }}": 'this account has no "champion"',
    "{{ account.csm }}": 'this account has no "csm"',
    "{{ account.nme }}": 'there is no field "nme"',
    "{{ steps.meeting.start }}": 'there is no field "meeting"',
    "{{ nobody }}": "'nobody' is undefined",
    "{{ 1 / 0 }}": "division by zero",
    "{% for i in range(10000000) %}x{% endfor %}": "may count to 1000",
    "{% for i in range(900) %}{% for j in range(900) %}xxxxxxxx{% endfor %}{% endfor %}": "longer than 200,000 characters",
    "{{ ''.__class__.__mro__ }}": "unsafe",
    "{{ account.__class__ }}": 'no field "__class__"',
    "{{ account.tags.append('x') }}": "unsafe|not safely callable",
    "{% include 'x' %}": "no loader",
    "{{ account.name }": "unexpected",
}


@pytest.mark.parametrize(("source", "why"), FAILS.items())
def test_a_template_that_fails_on_this_account_says_which_and_why(source: str, why: str) -> None:
    with pytest.raises(TemplateFailed, match=why) as caught:
        render("save-intro", source, CONTEXT)

    assert '"save-intro"' in str(caught.value)


MARKDOWN = {
    "**bold**": "<strong>bold</strong>",
    "<script>alert(1)</script>": "&lt;script&gt;",
    "[x](javascript:alert(1))": "[x](javascript:alert(1))",
    "[site](https://a.example)": '<a href="https://a.example">site</a>',
    "one\ntwo": "one<br",
}


@pytest.mark.parametrize(("text", "html"), MARKDOWN.items())
def test_markdown_becomes_html_that_can_do_no_harm(text: str, html: str) -> None:
    assert html in markdown_to_html(text)


def test_amounts_and_dates_are_calculated_as_in_expressions() -> None:
    context: dict[str, JsonTree] = {
        "paid": {"$money": ["1200", "EUR"]},
        "due": {"$money": ["1500", "EUR"]},
        "ends": {"$date": "2027-03-23"},
        "begins": {"$date": "2027-03-13"},
    }

    assert render("x", "{{ due - paid }}", context) == "300 EUR"
    assert render("x", "{{ (ends - begins) }} and {{ 3 - 1 }}", context) == "10 days and 2"
    with pytest.raises(TemplateFailed):
        render("x", "{{ due - ends }}", context)
