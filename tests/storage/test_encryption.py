from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.encryption import KeyRing, Place, SealBroken

PLACE = Place("acme", "run", "saved", "r1")
OLD = KeyRing({"2025": bytes(32)}, "2025")
NEW = KeyRing({"2026": bytes([1]) * 32, "2025": bytes(32)}, "2026")


@given(st.binary(), st.text(), st.text())
def test_what_is_sealed_opens_again(value: bytes, tenant: str, row: str) -> None:
    place = Place(tenant, "run", "saved", row)

    assert OLD.open(place, OLD.seal(place, value)) == value


def test_a_sealed_field_does_not_show_what_it_holds() -> None:
    assert b"secret" not in OLD.seal(PLACE, b"secret")


@pytest.mark.parametrize("part", ["tenant", "table", "column", "row"])
def test_a_field_copied_to_another_place_does_not_open(part: str) -> None:
    sealed = OLD.seal(PLACE, b"secret")

    with pytest.raises(SealBroken, match="belongs to another row"):
        OLD.open(replace(PLACE, **{part: "elsewhere"}), sealed)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_damaged_field_does_not_open(position: int, flip: int) -> None:
    sealed = bytearray(OLD.seal(PLACE, b"secret"))
    sealed[position % len(sealed)] ^= flip

    with pytest.raises(SealBroken):
        OLD.open(PLACE, bytes(sealed))


@given(st.binary(max_size=40))
def test_bytes_that_were_never_sealed_are_refused(junk: bytes) -> None:
    with pytest.raises(SealBroken):
        OLD.open(PLACE, junk)


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = OLD.seal(PLACE, b"secret")

    assert NEW.open(PLACE, old) == b"secret"
    assert (NEW.is_current(old), NEW.is_current(NEW.seal(PLACE, b"secret"))) == (False, True)
    with pytest.raises(SealBroken, match='"2026", which is not in the ring'):
        OLD.open(PLACE, NEW.seal(PLACE, b"secret"))


def test_a_ring_is_read_from_text_with_the_current_key_first() -> None:
    ring = KeyRing.parse(f"b:{KeyRing.new_key()}, a:{KeyRing.new_key()}")

    assert ring.current == "b"


TWICE = "k:" + "A" * 43 + "=,k:" + "A" * 43 + "="


@pytest.mark.parametrize("text", ["", "k", "k:", "k:c2hvcnQ=", ":" + "A" * 43 + "=", "k:not base64", TWICE])
def test_a_bad_ring_is_refused_without_showing_the_key(text: str) -> None:
    with pytest.raises(ValueError, match="encryption key") as caught:
        KeyRing.parse(text)

    assert "c2hvcnQ" not in str(caught.value)
