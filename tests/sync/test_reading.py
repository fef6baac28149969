from __future__ import annotations

import pytest

from storage.sync.mapping import Condition, EventRule, Join, MatchRule
from storage.sync.reading import ReadMapping, read_mapping
from storage.tables import Tenant

TENANT = Tenant(id="acme", name="Acme", custom_fields=[{"name": "plan", "type": "text", "help": ""}])
WHOLE = """
Account:
  into: account
  match: [{account: Number__c}, {domain: {name: plan, field: Website}}]
  create: true
  changed_at: SystemModstamp
  fields:
    name: Name
    csm: Owner.Email
    mrr: {field: AnnualRevenue, divide: 12, owner: stripe}
    custom.plan: {field: [Plan__c, Tier__c], changed_here: keep}
    contract.end_date: End__c
Opportunity:
  into: facts
  match: [{link: {kind: Account, field: AccountId}}]
  facts:
    opportunity.stage: {latest: StageName, by: LastModifiedDate, where: {IsClosed: false, CloseDate: future}}
Contact:
  into: contact
  match: [{link: {kind: Account, field: AccountId}}]
  fields:
    name: [{join: [First, Last]}, Email]
    title: {join: [Title, Department], changed_here: keep}
"""
TELLING = """
Opportunity:
  into: facts
  match: [{link: {kind: Account, field: AccountId}}]
  changed_at: SystemModstamp
  facts:
    opportunity.open: {count: true}
  events:
    opportunity.won: {becomes: {IsWon: true}, fields: {name: Name, close_date: {field: CloseDate, as: date}}}
    opportunity.moved: {changes: [CloseDate, Amount]}
    opportunity.dropped: {deleted: true}
    opportunity.made: {made: true}
"""


def read(text: str) -> ReadMapping:
    return read_mapping(
        text, vendor="salesforce", kinds=("Account", "Contact", "Opportunity"), vendors=("salesforce", "stripe"), tenant=TENANT
    )


def test_a_mapping_is_read_whole() -> None:
    found = read(WHOLE)

    assert found.shown == ""
    assert found.mapping is not None
    account, opportunity, contact = found.mapping.kinds
    assert account.match == (MatchRule("account", "Number__c", "domain"), MatchRule("domain", "Website", "plan", "salesforce"))
    assert {each.target: (each.owner, each.changed_here) for each in account.fields} == {
        "name": ("salesforce", "overwrite"),
        "csm": ("salesforce", "overwrite"),
        "mrr": ("stripe", "overwrite"),
        "custom.plan": ("salesforce", "keep"),
        "contract.end_date": ("salesforce", "overwrite"),
    }
    assert {each.target: each.source.fields for each in contact.fields} == {
        "name": (Join(("First", "Last")), "Email"),
        "title": (Join(("Title", "Department")),),
    }
    assert opportunity.facts[0].where == (Condition("IsClosed", words=(False,)), Condition("CloseDate", time="future"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    name: Name", "    nmae: Name", 'mapping.yaml:8:5: there is no field "nmae" of accounts'),
        (
            "Account:\n",
            "Acount:\n",
            'mapping.yaml:2:1: "Acount" is no kind of record here; there are Account, Contact, Opportunity [PB108]',
        ),
        ("custom.plan", "custom.paln", 'mapping.yaml:11:5: your organisation has no field "paln" on accounts; it has plan [PB108]'),
        ("owner: stripe", "owner: strype", '"strype" is none of playkeeper, salesforce, stripe [PB115]'),
        ("divide: 12", "divide: 0", "`divide` takes a number that is not 0"),
        ("into: facts", "into: fact", '"fact" is none of account, contact, facts [PB115]'),
        ("opportunity.stage:", "opportunity.stages:", '"opportunity.stages" is no fact here'),
        ("latest: StageName, by: LastModifiedDate, ", "latest: StageName, ", "`latest` needs `by`"),
        ("latest: StageName", "sum: StageName", '"opportunity.stage" is a text; `sum` gives a number or a money [PB350]'),
        ("  create: true\n", "  create: maybe\n", "mapping.yaml:5:11: here stands true or false [PB110]"),
        ("{account: Number__c}", "{acount: Number__c}", '"acount" is no way to find an account here'),
        ("{kind: Account, field: AccountId}", "{kind: Account}", "`link` is not complete"),
        ("  match: [{link: {kind: Account, field: AccountId}}]\n", "", '"Opportunity" does not say whose its records are [PB109]'),
        ("    name: Name\n", "    name: Name\n    name: Other\n", 'the key "name" stands here for the second time'),
        ("    name: Name\n", "    name: &a Name\n", "is an anchor"),
        ("{join: [First, Last]}", "{join: [First]}", "mapping.yaml:22:19: `join` takes a list of two fields or more [PB110]"),
        ("{join: [First, Last]}", "{joim: [First, Last]}", 'mapping.yaml:22:13: "joim" is no key here; there are join [PB108]'),
        ("divide: 12, owner", "join: [A, B], owner", "mapping.yaml:10:10: it says either which `field` of the vendor it is, or which"),
        (
            "mrr: {field: AnnualRevenue, divide: 12, ",
            "mrr: {join: [A, B], ",
            "mapping.yaml:10:17: `join` gives a text; here stands a number [PB350]",
        ),
        ("  fields:\n    name: [", "  events: {}\n  fields:\n    name: [", "`events` means nothing with `into: contact`"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_its_place(old: str, new: str, said: str) -> None:
    assert old in WHOLE

    found = read(WHOLE.replace(old, new))

    assert said in found.shown
    assert found.mapping is None


def test_what_is_no_mapping_at_all() -> None:
    for text in ("", "- a\n", "7\n", "Account: 7\n", "Account: {into: [account]}\n", "Account: {into: account, match: {}, fields: []}\n"):
        assert read(text).mapping is None, text


def test_the_turns_that_are_told_are_read() -> None:
    found = read(TELLING)

    assert found.shown == ""
    assert found.mapping is not None
    won, moved, dropped, made = found.mapping.kinds[0].events
    assert (won.name, won.turn, won.where) == ("opportunity.won", "becomes", (Condition("IsWon", words=(True,)),))
    assert [(each.name, each.source.names, str(each.type)) for each in won.fields] == [
        ("name", ("Name",), "None"),
        ("close_date", ("CloseDate",), "date"),
    ]
    assert moved == EventRule("opportunity.moved", "changes", of=("CloseDate", "Amount"))
    assert (dropped.turn, made.turn) == ("deleted", "made")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("opportunity.won:", "Won!:", 'mapping.yaml:9:5: "Won!" is no name of an event; write it as `opportunity.won` [PB110]'),
        ("{deleted: true}", "{removed: true}", '"removed" is no key here; there are becomes, changes, deleted, fields, made [PB108]'),
        ("{deleted: true}", "{deleted: true, made: true}", '"opportunity.dropped" says one of becomes, changes, deleted, made [PB109]'),
        ("{made: true}", "{made: never}", "mapping.yaml:12:30: `made` is not complete [PB110]"),
        ("{IsWon: true}", "{}", "`becomes` is not complete"),
        ("{IsWon: true}", "{CloseDate: past}", "`past` and `future` mean nothing in an event"),
        ("as: date", "as: day", 'mapping.yaml:9:103: "day" is none of bool, date, datetime, money, number, text [PB115]'),
        ("  changed_at: SystemModstamp\n", "", "mapping.yaml:8:5: `events` needs `changed_at`"),
    ],
)
def test_a_slip_in_what_is_told_is_told_with_its_place(old: str, new: str, said: str) -> None:
    assert old in TELLING

    found = read(TELLING.replace(old, new))

    assert said in found.shown
    assert found.mapping is None
