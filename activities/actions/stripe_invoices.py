"""`stripe.credit_balance`, `stripe.invoice.send` and `stripe.invoice.void`."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from activities.actions.stripe_base import StripeEffect, StripeObject, amount_of, customer_of
from activities.contracts import UndoResult
from activities.definitions.stripe import (
    STRIPE_CREDIT_BALANCE,
    STRIPE_INVOICE_SEND,
    STRIPE_INVOICE_VOID,
    CreditBalanceInput,
    CreditOutput,
    InvoiceInput,
    InvoiceOutput,
)
from activities.effects import Inputs, Outcome, Work
from activities.reading import output_of, read_inputs
from connectors.stripe.amounts import money_json, money_of
from connectors.stripe.vendor import STRIPE
from storage.repositories.effects import EffectRecord
from storage.session import Session

KEY_REMEMBERED: Final = timedelta(hours=23)
"""Stripe remembers an idempotency key for 24 hours at least."""
_MARK: Final = "playkeeper"
_BACK: Final = "playkeeper_undo"


class CreditBalance(StripeEffect):
    """Gives a customer a credit. The entry in the balance carries the effect's id, by which it is found again."""

    contract = STRIPE_CREDIT_BALANCE

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find the customer; a credit is an amount below zero at Stripe."""
        inputs = read_inputs(CreditBalanceInput, work.call)
        units, currency = await amount_of(session, work, "amount", inputs.amount)
        text = inputs.text or f"{work.call.title} ({work.run.playbook})"[:350]
        terms = {"amount": -units, "currency": currency, "description": text, "metadata": {_MARK: work.object_id}}
        return {"customer": await customer_of(session, work, inputs.customer), "terms": terms}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Book it."""
        client = await self.connections.client(work.run.tenant, STRIPE)
        return _booked(await client.add_balance_transaction(request["customer"], request["terms"], work.key))

    async def find(self, work: Work, request: Inputs) -> Outcome | bool:
        """Look for the entry; Stripe also recognises the key, for a day at least."""
        client = await self.connections.client(work.run.tenant, STRIPE)
        found = _marked(await client.balance_transactions(request["customer"]), _MARK, work.object_id)
        return True if found is None else _booked(found)

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Book the same amount back, unless some of the credit was used."""
        request: Any = record.request
        customer, terms, mark = request["customer"], request["terms"], record.key[:32]
        client = await self.connections.client(tenant, STRIPE)
        entries = await client.balance_transactions(customer)
        if _marked(entries, _BACK, mark) is not None:
            return UndoResult(status="undone", detail="it was booked back already")
        if record.vendor_id is None and _marked(entries, _MARK, mark) is None:
            return UndoResult(status="nothing", detail="the credit was not booked")
        left = -next((each["ending_balance"] for each in entries if each["currency"] == terms["currency"]), 0)
        credit = -terms["amount"]
        if left < credit and not force:
            used = money_of(credit - max(left, 0), terms["currency"])
            return UndoResult(status="conflict", detail=f"{used.amount:f} {used.currency} of the credit was used since; the rest was left")
        back = {**terms, "amount": credit, "description": f"Taken back: {terms['description']}"[:350], "metadata": {_BACK: mark}}
        await client.add_balance_transaction(customer, back, f"{record.key}-undo")
        return UndoResult(status="undone")


class SendInvoice(StripeEffect):
    """Has an invoice mailed. Nothing at Stripe tells whether a certain mail left, so the key alone guards against a second one."""

    contract = STRIPE_INVOICE_SEND

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Note when it was first asked for."""
        return {"invoice": read_inputs(InvoiceInput, work.call).invoice, "asked_at": datetime.now(UTC).isoformat()}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Ask Stripe for it."""
        client = await self.connections.client(work.run.tenant, STRIPE)
        return _told(await client.send_invoice(request["invoice"], work.key))

    async def find(self, work: Work, request: Inputs) -> bool | None:
        """Stripe recognises the key for a day; after that nobody can tell."""
        return True if datetime.now(UTC) - datetime.fromisoformat(request["asked_at"]) < KEY_REMEMBERED else None


class VoidInvoice(StripeEffect):
    """Declares an invoice void."""

    contract = STRIPE_INVOICE_VOID

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Give the invoice."""
        return {"invoice": read_inputs(InvoiceInput, work.call).invoice}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Declare it void, unless it is."""
        client = await self.connections.client(work.run.tenant, STRIPE)
        invoice = await client.invoice(request["invoice"])
        return _told(invoice if invoice["status"] == "void" else await client.void_invoice(invoice["id"], work.key))


def _marked(entries: list[StripeObject], name: str, value: str) -> StripeObject | None:
    return next((each for each in entries if (each.get("metadata") or {}).get(name) == value), None)


def _booked(entry: StripeObject) -> Outcome:
    output = CreditOutput(
        transaction=entry["id"], customer=str(entry["customer"]), balance=money_json(entry["ending_balance"], entry["currency"])
    )
    return Outcome(output_of(output), vendor_id=entry["id"])


def _told(invoice: StripeObject) -> Outcome:
    output = InvoiceOutput(
        invoice=invoice["id"],
        status=invoice["status"],
        number=invoice.get("number"),
        amount_due=money_json(invoice.get("amount_due"), invoice.get("currency")),
    )
    return Outcome(output_of(output), vendor_id=invoice["id"])
