"""The mappings that come with the connectors are read without a finding."""

from __future__ import annotations

import pytest

from connectors.mappings import shipped_mapping
from connectors.registry import VENDORS
from storage.sync.reading import read_mapping
from storage.tables import Tenant

SHIPPED = sorted(name for name in VENDORS if shipped_mapping(name))


def test_stripe_and_salesforce_have_one() -> None:
    assert {"salesforce", "stripe"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_read_without_a_finding(name: str) -> None:
    text = shipped_mapping(name) or ""
    found = read_mapping(text, vendor=name, kinds=VENDORS[name].records, vendors=tuple(VENDORS), tenant=Tenant(id="acme", name="Acme"))

    assert found.shown == ""
    assert found.mapping is not None
    assert {rule.kind for rule in found.mapping.kinds} <= set(VENDORS[name].records)
