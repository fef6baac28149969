from __future__ import annotations

from api.reference import PAGE, api_reference
from tests.api.test_openapi import OPENAPI


def test_the_reference_of_the_api_is_what_the_routes_say() -> None:
    assert PAGE.read_text() == api_reference(OPENAPI), "run `make docs`"
