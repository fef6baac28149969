from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.account_cells import WrongCell, read_date, read_number
from storage.accounts_csv import ImportReport, import_accounts
from storage.csv_records import FileRefused, read_dialect, records
from storage.repositories.accounts import count_accounts, find_account, list_contacts_by_account
from storage.repositories.people import save_people
from storage.repositories.tenants import find_tenant
from storage.sample.telco import open_sample
from storage.session import Database
from storage.tables import Person

pytestmark = pytest.mark.servers

GOOD = "id,name,mrr,csm,renewal_date,tags,health,contact_name,contact_email,Own column\n"


async def import_text(database: Database, text: str | bytes) -> ImportReport:
    data = text.encode() if isinstance(text, str) else text
    return await import_accounts(database, "acme", io.BytesIO(data))


async def test_accounts_contacts_facts_and_own_fields_are_imported(database: Database) -> None:
    async with database.begin("acme") as session:
        await save_people(session, [Person(id="maria", name="Maria", email="Maria@acme.example")])
    row = 'C-1,"Ärzte & Söhne, GmbH",1200.50 EUR,maria@acme.example,2027-01-31,vip; legal-hold,72,Ann,ann@x.example,40\n'
    header = GOOD.replace("Own column", "Desks rented")
    report = await import_text(database, header + row)
    again = await import_text(database, header + row)

    async with database.begin("acme") as session:
        account = await find_account(session, "C-1")
        contacts = await list_contacts_by_account(session, "C-1")
        tenant = await find_tenant(session)

    assert (report.created, report.updated, report.bad, report.new_fields) == (1, 0, [], ["desks_rented"])
    assert (again.created, again.updated, again.new_fields) == (0, 1, [])
    assert account is not None
    assert tenant is not None
    assert (account.name, account.mrr, account.currency, account.csm) == ("Ärzte & Söhne, GmbH", Decimal("1200.5"), "EUR", "maria")
    assert (account.renewal_date, account.tags, account.facts) == (date(2027, 1, 31), ["vip", "legal-hold"], {"health": {"score": 72}})
    assert account.custom == {"desks_rented": 40}
    assert [contact.email for contact in contacts] == ["ann@x.example"]
    assert [field["type"] for field in tenant.custom_fields if field["name"] == "desks_rented"] == ["number"]


BAD_ROWS = {
    "no name": ("B-1,,10,,,,,,,", "name", "the name is missing"),
    "no id": (",Name,10,,,,,,,", "id", "the id is missing"),
    "id with spaces": ("B 1,Name,10,,,,,,,", "id", "other characters"),
    "no number": ("B-1,Name,lots,,,,,,,", "mrr", '"lots" is no number'),
    "thousands or decimals": ('B-1,Name,"1,234",,,,,,,', "mrr", "may mean 1234 or 1.234"),
    "day or month": ("B-1,Name,10,,03/04/2027,,,,,", "renewal_date", "no date"),
    "nobody of the team": ("B-1,Name,10,nobody,,,,,,", "csm", 'nobody "nobody" in your team'),
    "no score": ("B-1,Name,10,,,,high,,,", "health", '"high" is no number'),
    "no address": ("B-1,Name,10,,,,,Ann,ann at x,", "contact_email", "no e-mail address"),
    "too few cells": ("B-1,Name,10", None, "the row has 3 cells and the first line names 10 columns"),
    "too many cells": ("B-1,Name,10,,,,,,,,,", None, "the row has 12 cells"),
    "a name too long": (f"B-1,{'n' * 301},10,,,,,,,", "name", "301 characters"),
    "zero byte": ("B-1,Na\x00me,10,,,,,,,", "name", "a character that no text has"),
}


@pytest.mark.parametrize("row", BAD_ROWS.values(), ids=BAD_ROWS.keys())
async def test_a_bad_row_is_reported_and_the_good_ones_are_imported(database: Database, row: tuple[str, str | None, str]) -> None:
    text, column, wrong = row
    padding = "x" * 5000  # zero bytes near the beginning mean that a file is no text at all
    good = f"G-1,Good,1,,,,,,,\nG-2,{padding[:300]},1,,,,,,,\n" + "".join(f"G-{n},{padding[:250]},1,,,,,,,\n" for n in range(3, 30))
    report = await import_text(database, GOOD + good + text + "\nG-99,Good,1,,,,,,,\n")

    assert report.created + report.updated == 30
    assert [(bad.line, bad.problems[0].column) for bad in report.bad] == [(31, column)]
    assert wrong in report.bad[0].problems[0].wrong
    assert report.bad[0].problems[0].write


async def test_who_opted_out_stays_so_when_a_file_does_not_say_it(database: Database) -> None:
    header = "id,name,contact name,contact email,contact opt outs\n"
    for opted_out in ("email", "", "sms"):
        await import_text(database, f"{header}O-1,One,Ann,ann@o.example,{opted_out}\n")

    async with database.begin("acme") as session:
        contacts = await list_contacts_by_account(session, "O-1")
    assert [contact.opt_outs for contact in contacts] == [["email", "sms"]]


async def test_every_problem_of_a_row_is_told_at_once(database: Database) -> None:
    report = await import_text(database, GOOD + ",,lots,,never,,,,,\n")

    assert [problem.column for problem in report.bad[0].problems] == ["id", "name", "mrr", "renewal_date"]


async def test_the_second_row_with_an_id_is_reported(database: Database) -> None:
    report = await import_text(database, "id,name\nD-1,First\nD-1,Second\n")

    async with database.begin("acme") as session:
        account = await find_account(session, "D-1")
    assert account is not None
    assert account.name == "First"
    assert report.bad[0].problems[0].wrong == "line 2 has the same id"


async def test_a_quote_left_open_costs_its_own_row_only(database: Database) -> None:
    report = await import_text(database, 'id,name\nQ-1,"open\nQ-2,Two\nQ-3,Three\n')

    assert [(bad.line, "never closed" in bad.problems[0].wrong) for bad in report.bad] == [(2, True)]
    assert report.created == 2


FILES = {
    "BOM": ("﻿id,name\nF-1,Ünal\n".encode(), "utf-8-sig", ","),
    "UTF-16": ("id\tname\nF-1\tÜnal\n".encode("utf-16"), "utf-16", "\t"),
    "Windows": ("id;name\nF-1;Ünal\n".encode("cp1252"), "cp1252", ";"),
    "bars": (b"id|name\r\nF-1|\xc3\x9cnal\r\n", "utf-8", "|"),
    "blank lines and spaces": (b"\n\nid , name\n\n F-1 , \xc3\x9cnal \n\n", "utf-8", ","),
    "a line break in a cell": (b'id,name,"a\nb"\nF-1,\xc3\x9cnal,"c\nd"\n', "utf-8", ","),
}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES.keys())
async def test_files_of_every_kind_are_read(database: Database, file: tuple[bytes, str, str]) -> None:
    data, encoding, delimiter = file
    report = await import_text(database, data)

    async with database.begin("acme") as session:
        account = await find_account(session, "F-1")
    assert account is not None
    assert (account.name, report.encoding, report.delimiter, report.bad) == ("Ünal", encoding, delimiter, [])


REFUSED = {
    "empty": (b"", "the file is empty"),
    "blank": (b"\n \n", "the file is empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 100, "not a text file"),
    "no id": (b"name,mrr\nA,1\n", 'no column "id"'),
    "two ids": (b"id,account_id,name\n1,2,A\n", 'the columns "id" and "account_id" both hold the id'),
    "no header": (b"A-1,Acme\nA-2,Beta\n", 'no column "id"'),
}


@pytest.mark.parametrize("file", REFUSED.values(), ids=REFUSED.keys())
async def test_a_file_that_is_no_table_of_accounts_is_refused_whole(database: Database, file: tuple[bytes, str]) -> None:
    async with database.begin("acme") as session:
        before = await count_accounts(session)

    with pytest.raises(FileRefused, match=file[1]):
        await import_text(database, file[0])

    async with database.begin("acme") as session:
        assert await count_accounts(session) == before


async def test_the_telco_file_becomes_a_book_of_accounts(database: Database) -> None:
    beginning = b"".join(open_sample().readlines()[:1001])
    report = await import_accounts(database, "acme", io.BytesIO(beginning), today=date(2026, 11, 23))
    again = await import_accounts(database, "acme", io.BytesIO(beginning), today=date(2026, 11, 23))

    async with database.begin("acme") as session:
        account = await find_account(session, "T-00002")

    assert (report.created, report.bad, again.created, again.updated) == (1000, [], 0, 1000)
    assert account is not None
    assert (account.mrr, account.currency, account.status, account.tier) == (Decimal("56.95"), "USD", "active", "growth")
    assert account.custom["tenure"] == 34
    assert account.custom["contract"] == "One year"
    assert account.custom["services"] == ["phone", "security", "device protection"]
    assert account.renewal_date == date(2027, 1, 3)


@given(st.binary(max_size=300))
def test_whatever_the_bytes_they_are_read_or_refused(data: bytes) -> None:
    source = io.BytesIO(data)
    try:
        dialect = read_dialect(source)
    except FileRefused:
        return
    for record in records(source, dialect):
        assert record.line >= 1


NUMBERS = {
    "1234.5": "1234.5", "1,234.50": "1234.50", "1.234,50": "1234.50", "1 234,50": "1234.50", "12,5": "12.5", "1,234,567": "1234567",
    "1.234.567": "1234567", "-3": "-3", ".5": "0.5", "1'234": "1234",
}  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), NUMBERS.items())
def test_numbers_are_read_as_they_are_written(written: str, meant: str) -> None:
    assert read_number(written) == Decimal(meant)


@pytest.mark.parametrize("written", ["1,234", "1e5", "NaN", "12..3", "1,23,4", "٣", "999999999999999"])
def test_numbers_that_may_mean_two_things_are_refused(written: str) -> None:
    with pytest.raises(WrongCell):
        read_number(written)


@pytest.mark.parametrize("written", ["2026-02-30", "1/2/2026", "tomorrow", "20261123x"])
def test_dates_that_are_none_are_refused(written: str) -> None:
    with pytest.raises(WrongCell):
        read_date(written)
