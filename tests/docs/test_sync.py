"""The mapping in the documentation is one, and its table names every key there is."""

from __future__ import annotations

import re

from connectors.registry import VENDORS
from storage.sync.reading import _KIND_KEYS, read_mapping
from storage.tables import Tenant
from tests.house.tree import ROOT

PAGE = (ROOT / "docs/sync.md").read_text()


def test_the_example_is_read_without_a_finding() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    tenant = Tenant(id="acme", name="Acme", custom_fields=[{"name": "website", "type": "text", "help": ""}])

    found = read_mapping(text, vendor="salesforce", kinds=VENDORS["salesforce"].records, vendors=tuple(VENDORS), tenant=tenant)

    assert found.shown == ""
    assert found.mapping is not None


def test_the_table_has_every_key() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)

    assert {*documented, "id"} == set(_KIND_KEYS)
