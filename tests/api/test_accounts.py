from __future__ import annotations

import io

import pytest

from tests.api.conftest import Caller

pytestmark = pytest.mark.servers

BOOK = """id,name,mrr,currency,csm,health,seats_used,note
B-1,Birch,500,EUR,maria,41,3,first
B-2,Beech,abc,EUR,maria,55,4,second
B-3,,100,EUR,maria,60,5,third
B-4,Alder,100,EUR,nobody,60,6,fourth
B-5,Willow,250.50,EUR,tom,70,7,fifth
"""


def test_a_file_is_imported_with_a_report_of_its_bad_rows(api: Caller) -> None:
    report = api.post("/v1/accounts/import", content=BOOK, headers={"Content-Type": "text/csv"})
    again = api.post("/v1/accounts/import", files={"file": ("book.csv", io.BytesIO(BOOK.encode()), "text/csv")})
    birch = api.get("/v1/accounts/B-1")

    assert (report["rows"], report["created"], report["updated"], report["refused"]) == (5, 2, 0, 3)
    assert (again["created"], again["updated"], again["refused"]) == (0, 2, 3)
    assert [(row["line"], row["problems"][0]["column"]) for row in report["problems"]] == [(3, "mrr"), (4, "name"), (5, "csm")]
    assert all(problem["write"] for row in report["problems"] for problem in row["problems"])
    assert (birch["mrr"], birch["facts"]["health"]["score"], birch["custom"]["seats_used"]) == ("500.00", 41, 3)
    assert set(report["new_fields"]) == {"seats_used", "note"}


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"a,b\n1,2\n", b"\x00\x01\x02", b"id,name,name\n1,2,3\n"], ids=["empty", "blank", "no id", "binary", "twice"]
)
def test_a_file_that_is_no_book_is_refused_whole(api: Caller, content: bytes) -> None:
    answer = api.http.post("/v1/accounts/import", content=content, headers={"Content-Type": "text/csv"})

    assert (answer.status_code, answer.json()["code"]) == (422, "DATA011")


def test_a_form_without_a_file_is_refused(api: Caller) -> None:
    empty = api.http.post("/v1/accounts/import", files={"other": ("x", b"1")})
    broken = api.http.post("/v1/accounts/import", content=b"--x", headers={"Content-Type": "multipart/form-data; boundary=x"})
    no_boundary = api.http.post("/v1/accounts/import", content=b"--x", headers={"Content-Type": "multipart/form-data"})

    assert empty.json()["code"] == "DATA011"
    assert broken.status_code < 500
    assert no_boundary.json()["code"] == "DATA002"


def test_accounts_are_found_and_paged(api: Caller) -> None:
    for number in range(5):
        api.put(f"/v1/accounts/P-{number}", {"name": f"Paged {number}", "tier": "paged"})

    first = api.get("/v1/accounts", params={"tier": "paged", "limit": 3})
    second = api.get("/v1/accounts", params={"tier": "paged", "limit": 3, "after": first["next"]})
    searched = api.get("/v1/accounts", params={"search": "PAGED 4"})

    assert [account["id"] for account in first["items"] + second["items"]] == [f"P-{number}" for number in range(5)]
    assert second["next"] is None
    assert [account["id"] for account in searched["items"]] == ["P-4"]


def test_contacts_are_kept_changed_and_removed(api: Caller, account: str) -> None:
    path = f"/v1/accounts/{account}/contacts/{account}-bo"
    api.put(path, {"name": "Bo", "email": "bo@example.com", "roles": ["user"]})
    api.put(path, {"name": "Bo Lund", "roles": ["user", "sponsor"], "opt_outs": ["email"]})
    contacts = {contact["id"]: contact for contact in api.get(f"/v1/accounts/{account}/contacts")}
    api.put("/v1/accounts/OTHER", {"name": "Other"})
    taken = api.http.put(f"/v1/accounts/OTHER/contacts/{account}-bo", json={"name": "Bo"})
    api.call("DELETE", path, status=204)
    gone = api.http.delete(path)

    assert (contacts[f"{account}-bo"]["name"], contacts[f"{account}-bo"]["roles"]) == ("Bo Lund", ["user", "sponsor"])
    assert taken.json()["code"] == "DATA007"
    assert gone.json()["code"] == "DATA007"


def test_a_change_keeps_what_it_does_not_name(api: Caller, account: str) -> None:
    api.patch(f"/v1/accounts/{account}", {"tier": "enterprise", "facts": {"health": {"change_30d": -20}}})
    cleared = api.patch(f"/v1/accounts/{account}", {"tier": None})["account"]

    assert (cleared["name"], cleared["tier"], cleared["csm"]) == ("ACME", None, "maria")
    assert cleared["facts"]["health"] == {"score": 40, "change_30d": -20}
