from __future__ import annotations

import pytest

from playbook_dsl.expressions.check import Reference, check
from playbook_dsl.expressions.problems import CODES, Problem
from playbook_dsl.expressions.scope import Scope
from playbook_dsl.expressions.units import UNITS, duration_of
from playbook_dsl.timing.durations import parse_duration
from playbook_dsl.types import BOOL, DURATION, MONEY, NUMBER, TEXT, Type, list_of, one_of
from tests.playbook_dsl.expressions.book import SCOPE

GOOD = {
    "account.mrr > 500 EUR": "bool",
    "account.mrr > 500EUR and not account.is_partner": "bool",
    "account.seats * 2 + 1": "number",
    "account.used * 2": "number?",
    "account.seats / 2": "number",
    "account.seats / inputs.discount": "number?",
    "account.seats % 7 == 0": "bool",
    "-account.seats": "number",
    "account.mrr * 1.2": "money?",
    "1.2 * account.arr - 10 EUR": "money",
    "account.arr / 12": "money",
    "account.mrr / account.arr": "number?",
    "account.renewal_date - today": "duration?",
    "account.renewal_date - today < 90 days": "bool",
    "account.signed_on + 1 month": "date",
    "2 weeks + account.signed_on": "date",
    "now - account.created_at": "duration",
    "now + 4 working hours": "datetime",
    "10m + 2h + 2s": "duration",
    "account.renewal_date < 2026-12-31": "bool",
    "[2026-12-31, today]": "list of date",
    "2026 - 12 - 31": "number",
    '"vip" in account.tags': "bool",
    "'vip' not in account.tags": "bool",
    'account.tier in ["growth", "enterprise"]': "bool",
    "account.status if account.is_partner else missing": "text?",
    "'high' if account.mrr > 5000 EUR else 'low'": "text",
    "default(account.used, 0)": "number",
    "coalesce(account.used, health.score)": "number?",
    "coalesce(account.used, health.score, 1)": "number",
    "account.used if account.used is not missing else 0": "number",
    "0 if account.used is missing else account.used * 2": "number",
    "0 if account.used is missing or account.mrr is missing else account.used": "number",
    "0 if account.used is missing and account.mrr is missing else account.used": "number?",
    "account.used if account.used > 3 and account.seats > 1 else 0": "number",
    "account.used if account.used > 3 or account.seats > 1 else 0": "number?",
    "account.used if not (account.used > 3) else 0": "number?",
    "account.manager.name if account.manager.name == 'x' else ''": "text",
    "account.manager.name if account.manager is not missing else ''": "text",
    "account.used if account.used + 1 > 0 else 0": "number",
    "account.used is missing": "bool",
    "account.used is not missing and account.used > 3": "bool",
    "account.contacts[0].name": "text?",
    "account.contacts": "list of record",
    "account.contacts[-1].role": "text?",
    "account.custom.region": "text?",
    "account.custom.points > 3": "bool",
    'account.custom["points"]': "any?",
    "account.manager.name": "text?",
    'tables.severity["high"].leader': "text",
    "tables.severity[account.status].days": "number?",
    "event.amount >= 3": "bool",
    "event.amount + 1": "number?",
    "event.amount * 2": "any?",
    "event.when.deep[3]": "any?",
    "anything.x": "any?",
    "len(account.tags) > 1 and len(account.name) < 9": "bool",
    "round(account.used, 1)": "number?",
    "round(account.arr)": "money",
    "min(1, 2, account.used)": "number?",
    "max(account.invoices)": "money?",
    "max(today, account.signed_on)": "date",
    "sum(account.scores)": "number",
    "sum(account.invoices)": "money?",
    "sum([1, 2])": "number",
    "any([account.is_partner, account.is_paying])": "bool",
    "all(account.is_partner, true)": "bool",
    "count_true(account.is_partner, account.used > 3, account.used < 9) >= 2": "bool",
    "today + days(account.seats)": "date",
    "business_days(3)": "duration",
    "days_between(today, account.renewal_date)": "number?",
    "business_days_between(account.signed_on, today)": "number",
    "percent_change(account.seats, account.used)": "number?",
    'in_play("churn-negotiation")': "bool",
    "open_tasks() == 0": "bool",
    "lower(account.name) + upper(account.from)": "text?",
    'contains(account.name, "x") or starts_with(account.name, "A")': "bool",
    "true and not False": "bool",
    "(1)": "number",
    "[]": "list of missing?",
    "[1, account.used]": "list of number?",
    "1 < account.seats < 100": "bool",
    "\n  account.seats\n  > 3\n": "bool",
    "account.status == 'active' or account.status == \"trial\"": "bool",
    "steps.call.status == 'done'": "bool",
    "account.seats\t>\t3": "bool",
}


@pytest.mark.parametrize(("source", "kind"), GOOD.items(), ids=str)
def test_a_good_expression_has_its_type_and_no_problem(source: str, kind: str) -> None:
    checked = check(source, SCOPE)

    assert (str(checked.type), checked.problems) == (kind, ())


# source, the part that is pointed at, code, words of the message
BAD = [
    ("", "", "PB221", "an expression must stand here"),
    ("acount.mrr", "acount", "PB201", 'there is no "acount" here'),
    ("banana == 1", "banana", "PB201", 'there is no "banana" here'),
    ("account.mr > 1 EUR", "mr", "PB202", '"account" has no "mr"'),
    ("account.manager.nme", "nme", "PB202", '"account.manager" has no "nme"'),
    ("account.seats.x", "x", "PB202", "number has no fields"),
    ('tables.severity["hi"].leader', '"hi"', "PB202", '"tables.severity" has no "hi"'),
    ("leng(account.tags)", "leng", "PB203", 'there is no function "leng"'),
    ("steps.offer.sent", "offer", "PB217", 'step "offer" runs later'),
    ("arrived.id", "arrived", "PB217", "known only in the `if` of an event"),
    ("account.seats >", ">", "PB211", 'ends after ">"'),
    ("account.seats 5", "5", "PB211", 'did not expect "5" after "seats"'),
    ("== 5", "==", "PB211", 'cannot begin with "=="'),
    ("1 +* 2", "*", "PB211", 'did not expect "*" after "+"'),
    ("1,000", ",", "PB211", 'did not expect "," after "1"'),
    ("account.", ".", "PB211", 'a field must follow the "."'),
    ("1 if account.is_partner", "if", "PB211", '"if" needs an "else"'),
    ("account.tier is 'x'", "is 'x'", "PB211", '"is" goes only with "missing"'),
    ("account.used is missing == true", "account.used is missing == true", "PB211", "cannot be chained"),
    ("account.is_partner == not true", "not", "PB211", 'cannot be read at "not"'),
    ("account.seats ** 2", "**", "PB212", '"**" is not part'),
    ("account.tags | length", "|", "PB212", '"|" is not part'),
    ("[x for x in account.tags]", "for", "PB212", '"for" is not part'),
    ("(1, 2)", "(1, 2)", "PB212", "a list stands in square brackets"),
    ("account.tags[0:1]", ":", "PB212", '":" is not part'),
    ("account.name == 'x", "'x", "PB213", "not closed"),
    ("today + 3 fortnights", "fortnights", "PB214", '"fortnights" is no unit of time'),
    ("today + 3 dayz", "dayz", "PB214", '"dayz" is no unit of time'),
    ("account.arr > 5 EURO", "EURO", "PB214", '"EURO" is no unit of time'),
    ("account.arr > 5 EUX", "EUX", "PB215", '"EUX" is no currency'),
    ("account.__class__", "__class__", "PB216", "begins with an underscore"),
    ("__import__('os')", "__import__", "PB216", "begins with an underscore"),
    ("lower()", "lower()", "PB218", '"lower" cannot take no arguments'),
    ("lower('a', 'b')", "lower('a', 'b')", "PB218", '"lower" cannot take 2 arguments'),
    ("1" + " + 1" * 600, "1" + " + 1" * 600, "PB219", "2401 characters; 2000 is the most"),
    ("-" * 41 + "1", "-", "PB220", "nested more than 40 deep"),
    ("[1, 2", "[", "PB222", '"[" is not closed'),
    ("account.seats)", ")", "PB222", '")" closes nothing'),
    ("(account.seats]", "]", "PB222", '"(" is closed by "]"'),
    ("account.name == “x”", "“", "PB223", '"“" is not part'),
    ("größe > 1", "größe", "PB223", '"größe" has letters'),
    ("account.seats = 5", "=", "PB224", '"=" is not part'),
    ("account.is_partner && true", "&&", "PB224", '"&&" is not part'),
    ("!account.is_partner", "!", "PB224", '"!" is not part'),
    ("len > 3", "len", "PB226", '"len" is a function'),
    ("account(3)", "account", "PB226", '"account" is not a function'),
    ("account.name.lower()", "account.name.lower", "PB226", "only a function can be called"),
    ("account.tier == null", "null", "PB227", 'there is no "null" here'),
    ("account.tier == None", "None", "PB227", 'there is no "None" here'),
    ("account.renewal_date < 2026-02-30", "2026-02-30", "PB228", 'there is no day "2026-02-30"'),
    ("account.name == 'a\x00'", "\x00", "PB223", "the character U+0000 cannot stand in a text"),
    ("account.seats > 5%", "%", "PB211", 'ends after "%"'),
    ("account.seats > 5k", "k", "PB214", '"k" is no unit of time'),
    ("account.name < 5", "account.name < 5", "PB301", "text cannot be compared with number"),
    ("account.renewal_date < now", "account.renewal_date < now", "PB301", "date cannot be compared with datetime"),
    ("account.renewal_date - today < 90", "account.renewal_date - today < 90", "PB301", "duration cannot be compared with number"),
    ("account.is_partner == 'yes'", "account.is_partner == 'yes'", "PB301", "bool cannot be compared with text"),
    ("5 in account.tags", "5 in account.tags", "PB301", "number cannot be in a list of text"),
    ("account.name + 5", "account.name + 5", "PB302", '"+" does not work with text and number'),
    ("account.arr + 5", "account.arr + 5", "PB302", '"+" does not work with money and number'),
    ("today + 5", "today + 5", "PB302", '"+" does not work with date and number'),
    ("'a' * 1000000", "'a' * 1000000", "PB302", '"*" does not work with text and number'),
    ("-account.name", "-account.name", "PB302", "text has no minus"),
    ("account.tags == account.tags", "account.tags == account.tags", "PB302", '"==" does not work with list of text'),
    ("account.is_partner < true", "account.is_partner < true", "PB302", '"<" does not work with bool'),
    ("account.seats and true", "account.seats", "PB303", "a condition must stand here, but this is number"),
    ("not account.name", "account.name", "PB303", "a condition must stand here, but this is text"),
    ("1 if account.tags else 2", "account.tags", "PB303", "a condition must stand here"),
    ("lower(5)", "5", "PB304", '"lower" needs text here, but this is number'),
    ("default(account.used, 'none')", "'none'", "PB304", '"default" needs number here, but this is text'),
    ("max(account.tags)", "account.tags", "PB304", '"max" needs list of'),
    ("5 EUR > 3 USD", "5 EUR > 3 USD", "PB307", '"EUR" and "USD" are different currencies'),
    ("5 EUR + 3 USD", "5 EUR + 3 USD", "PB307", '"EUR" and "USD" are different currencies'),
    ("1 if true else 'a'", "'a'", "PB310", "this is text, but the other result is number"),
    ("[1, 'a']", "'a'", "PB311", "this is text after number"),
    ("account.seats[0]", "account.seats", "PB312", "number has no items"),
    ("account.tags['a']", "'a'", "PB312", "named by number, not by text"),
    ("'x' in account.name", "account.name", "PB313", 'a list must stand after "in", but this is text'),
    ("account.tags in [1]", "account.tags", "PB313", "cannot be looked for in a list"),
    ("account.used == missing", "account.used == missing", "PB315", "never true"),
    ("99999999999999999999 > 1", "99999999999999999999", "PB316", "too large a number"),
    ("today + 999999999 days", "999999999 days", "PB316", "too long a time"),
    ("today + 1.5 days", "1.5 days", "PB317", "not a whole number of days"),
]


@pytest.mark.parametrize(("source", "part", "code", "words"), BAD, ids=[case[0][:40] for case in BAD])
def test_a_mistake_is_named_at_its_place(source: str, part: str, code: str, words: str) -> None:
    problems = check(source, SCOPE).problems

    assert [(problem.code, source[problem.offset : problem.offset + problem.length]) for problem in problems] == [(code, part)]
    assert words in problems[0].message
    assert problems[0].severity == "error"


WARNINGS = [
    ("account.mrr > 500", "500", "PB308", "write the currency: 500 EUR"),
    ('account.status == "actve"', '"actve"', "PB309", 'did you mean "active"?'),
    ('account.status in ["active", "chured"]', '"chured"', "PB309", 'did you mean "churned"?'),
    ("account.seats is missing", "account.seats is missing", "PB314", None),
    ("today + 3 hours == account.signed_on", "3 hours", "PB320", "use now, or whole days"),
    ("1 < 2", "1 < 2", "PB321", None),
    ("account.seats == account.seats", "account.seats == account.seats", "PB321", None),
]


@pytest.mark.parametrize(("source", "part", "code", "hint"), WARNINGS, ids=[case[0] for case in WARNINGS])
def test_a_doubtful_part_is_warned_of(source: str, part: str, code: str, hint: str | None) -> None:
    checked = check(source, SCOPE)

    found = [(p.code, source[p.offset : p.offset + p.length], p.hint, p.severity) for p in checked.problems]
    assert found == [(code, part, hint, "warning")]
    assert str(checked.type) == "bool"


HINTS = {
    "acount.mrr": 'did you mean "account"?',
    "account.nam": 'did you mean "name"?',
    "lenn(account.tags)": 'did you mean "len"?',
    "gold == account.tier": "put quotes around a text",
    "account.arr > 5 EURO": "write it as 500 EUR",
    "account.arr > 5 eur": "write it as 500 EUR",
    "account.renewal_date - today < 90": "give the number its unit, such as 30 days",
    "account.renewal_date < 90": "give the number its unit, such as 30 days; a date is written 2026-12-31",
    "account.renewal_date < now": "today goes with a date, now with a date and time",
    "'x' in account.name": "write [...] around the text, or contains(text, part)",
    "account.used == missing": "write `is missing`",
    "account.used or 0": "compare it with something; instead of a missing value write default(value, instead)",
    "account.is_partner AND account.is_paying": "write `and` in small letters",
    "account.is_partner == TRUE": 'did you mean "true"?',
    "account.is_partner == yes": "write true",
    "account.used is empty": "write `is missing` or `is not missing`, or ==",
    "account.used is 3": "write == or !=",
    "if account.seats > 3": "leave it out: this is a condition already",
    "account.seats between 3 and 5": "write low <= x <= high",
    "account.name like 'A%'": "write contains(text, part) or starts_with(text, beginning)",
    "account.tags contains 'vip'": "write contains(text or list, part)",
    "account.tags.contains('vip')": "write the function first: contains(text or list, part)",
    "contains(account.name 'vip')": "a comma or an operator is missing between them, such as ==, and, +",
    "len account.tags": "write len(text or list)",
    "{{ account.seats }}": "leave out {{ and }}: this is an expression already",
    "account.renewal_date < 90 days": "write date - today < 90 days",
    "account.used != ''": "an empty field is asked for by `is missing`",
    "'vip' in tags": 'did you mean "account.tags"?',
    "account.contacts.name": "name one item first: account.contacts[0].name",
    "account.Status == 'x'": 'did you mean "status"?',
    "ACCOUNT.name": 'did you mean "account"?',
    "account.seats in 3": "put it in square brackets",
    "account.seats in (1, 2)": "write [a, b]",
    "today + 0.5 days": "write it in a smaller unit, such as 12 hours",
    "account.renewal_date < '2026-12-31'": "a date is written without quotes: 2026-12-31",
    "account.seats > 5%": "a share is written 0.15",
    "account.seats > 5k": "write the number in full, such as 5000",
    "5 $": "write money as 500 USD",
}


@pytest.mark.parametrize(("source", "hint"), HINTS.items(), ids=str)
def test_a_mistake_comes_with_what_to_type_instead(source: str, hint: str) -> None:
    assert hint in [problem.hint for problem in check(source, SCOPE).problems]


EXPECTED: list[tuple[str, Type, str | None]] = [
    ("account.seats", NUMBER, None),
    ("account.seats", BOOL, "PB305"),
    ("account.used", NUMBER, "PB306"),
    ("account.used", NUMBER.maybe(), None),
    ("missing", NUMBER.maybe(), None),
    ("missing", NUMBER, "PB306"),
    ("account.is_paying", BOOL, None),
    ("account.seats", DURATION, "PB305"),
    ("account.seats", MONEY, "PB308"),
    ("account.arr", NUMBER, "PB305"),
    ("account.tags", list_of(TEXT), None),
    ("account.tags", list_of(NUMBER), "PB305"),
    ("[]", list_of(NUMBER), None),
    ("'low'", one_of("low", "high"), None),
    ("'lo'", one_of("low", "high"), "PB309"),
    ("account.name", one_of("low", "high"), None),
    ("event.x", NUMBER, "PB306"),
    ("default(event.x, 3)", NUMBER, None),
]


@pytest.mark.parametrize(("source", "expects", "code"), EXPECTED, ids=str)
def test_a_result_is_held_against_what_its_place_wants(source: str, expects: Type, code: str | None) -> None:
    problems = check(source, SCOPE, expects=expects).problems

    assert [problem.code for problem in problems] == ([code] if code else [])


def test_all_mistakes_are_said_at_once_in_order() -> None:
    problems = check("acount.x > 1 and leng(account.tag) == 'a' and account.name < 3", SCOPE).problems

    assert [problem.code for problem in problems] == ["PB201", "PB203", "PB202", "PB301"]


def test_a_name_of_elsewhere_is_explained_even_where_its_root_is_unknown() -> None:
    scope = Scope({}, why_missing={"steps.offer": 'step "offer" runs later'})

    assert [(p.code, p.message, p.offset) for p in check("steps.offer.sent", scope).problems] == [("PB217", 'step "offer" runs later', 6)]


def test_units_mean_what_they_mean_in_a_wait() -> None:
    for word in UNITS:
        assert duration_of("2", word) == parse_duration(f"2 {word}"), word


def test_references_carry_their_places() -> None:
    source = 'account.mrr > 5 EUR and tables.severity["high"].days < account.contacts[inputs.discount].score'

    assert check(source, SCOPE).references == (
        Reference(("account", "mrr"), 0, 11),
        Reference(("tables", "severity", "high", "days"), 24, 28),
        Reference(("account", "contacts"), 55, 16),
        Reference(("inputs", "discount"), 72, 15),
    )


CANONICAL = {
    "account.seats>3   and( not(account.is_partner) )": "account.seats > 3 and not account.is_partner",
    "(1+2)*3 - (4-5) - 6": "(1 + 2) * 3 - (4 - 5) - 6",
    "'a\"b'": "'a\"b'",
    "'plain'": '"plain"',
    "(1 if True else 2) + 1": "(1 if true else 2) + 1",
    "10m": "10 minutes",
    "1 years": "12 months",
    "90 min": "90 minutes",
    "2.5 s": "2.5 seconds",
    "1.5h": "90 minutes",
    "5.50 EUR": "5.5 EUR",
    "x<2026-12-31": "x < 2026-12-31",
    "a  is  not   missing": "a is not missing",
    "1<x<5": "1 < x and x < 5",
    "x not in [ 1,2 ]": "x not in [1, 2]",
}


@pytest.mark.parametrize(("source", "text"), CANONICAL.items(), ids=str)
def test_every_spelling_has_one_canonical_text(source: str, text: str) -> None:
    assert check(source, SCOPE).canonical == text
    assert check(text, SCOPE).canonical == text


def test_every_code_is_in_the_table_and_every_code_of_the_table_is_tested() -> None:
    tested = {case[2] for case in BAD} | {case[2] for case in WARNINGS} | {case[2] for case in EXPECTED if case[2]}
    elsewhere = {"PB318", "PB319", "PB331", "PB332", "PB333"}

    assert tested | elsewhere == set(CODES)


def test_a_problem_without_more_words_is_an_error() -> None:
    assert Problem("PB201", "x", 0, 1).severity == "error"
