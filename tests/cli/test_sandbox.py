"""The vendors' stand-ins of `make run`: clearly no vendors, and what landed is there after a second start."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from cli.dev.vendors import sandbox

KEY = {"Authorization": "Bearer sk_test_sandbox"}


async def discounted(folder: Path) -> tuple[str, str]:
    """Give a discount, stop the sandbox, start it again, and give what it shows."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox(folder)), base_url="http://sandbox") as http:
        coupon = {"id": "pk_1", "percent_off": "15", "duration": "forever"}
        await http.post("/stripe/v1/coupons", data=coupon, headers={**KEY, "Idempotency-Key": "k1"})
        await http.get("/stripe/v1/customers/cus_sandbox_1", headers=KEY)
        discount = {"discounts[0][coupon]": "pk_1"}
        await http.post("/stripe/v1/subscriptions/sub_sandbox_1", data=discount, headers={**KEY, "Idempotency-Key": "k2"})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox(folder)), base_url="http://sandbox") as http:
        page = await http.get("/")
        subscription = await http.get("/stripe/v1/subscriptions/sub_sandbox_1", headers=KEY)
    return page.text, subscription.text


def test_what_landed_is_shown_and_kept(tmp_path: Path) -> None:
    page, subscription = asyncio.run(discounted(tmp_path))

    assert "nothing here reaches a vendor" in page
    assert "15 % off" in page
    assert "pk_1" in subscription or "di_" in subscription


def test_a_state_that_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "stripe.pickle").write_bytes(b"nonsense")

    assert asyncio.run(discounted(tmp_path))[1]
