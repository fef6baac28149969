"""`stripe.extend_trial`, `stripe.pause_collection` and `stripe.subscription.change_quantity`."""

import time

from activities.actions.stripe_base import StripeObject, SubscriptionChange, calendar_for, due_at, later, span_of, whose
from activities.contracts import JsonTree
from activities.definitions.stripe import (
    STRIPE_CHANGE_QUANTITY,
    STRIPE_EXTEND_TRIAL,
    STRIPE_PAUSE_COLLECTION,
    ChangeQuantityInput,
    ExtendTrialInput,
    PauseCollectionInput,
    PauseOutput,
    QuantityOutput,
    TrialOutput,
)
from activities.effects import Inputs, Outcome, Work
from activities.failures import BadInput
from activities.reading import output_of, read_inputs
from connectors.stripe.amounts import moment_of
from playbook_dsl.timing.calendar import BusinessCalendar
from storage.session import Session


class ExtendTrial(SubscriptionChange):
    """Moves the end of a trial."""

    contract = STRIPE_EXTEND_TRIAL
    word = "the end of the trial"

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle until when, unless that depends on the trial's present end."""
        inputs = read_inputs(ExtendTrialInput, work.call)
        if (inputs.for_ is None) == (inputs.until is None):
            raise BadInput('say how much longer the trial is: either "for: 14 days" or "until: 2026-12-24"')
        if inputs.for_ is not None:
            span_of(inputs.for_)
        until = due_at(inputs.until, await calendar_for(session, work)) if inputs.until is not None else None
        return {"for": inputs.for_, "until": until, **await whose(session, work, inputs.customer, inputs.subscription)}

    def plan(self, subscription: StripeObject, request: Inputs) -> tuple[JsonTree, JsonTree]:
        """Give the present and the new end."""
        ends = moment_of(subscription.get("trial_end"))
        if subscription["status"] != "trialing" or ends is None:
            raise BadInput(f'the Stripe subscription {subscription["id"]} is not in a trial; its status is "{subscription["status"]}"')
        # In UTC and without holidays: a trial that ends so many days later ends at the same time of day.
        after = request["until"] or later(ends, span_of(request["for"]), BusinessCalendar())
        if after <= subscription["trial_end"]:
            raise BadInput(f"the trial of {subscription['id']} ends on {ends:%Y-%m-%d %H:%M} UTC already, which is not earlier")
        return subscription["trial_end"], after

    def value(self, subscription: StripeObject, plan: StripeObject) -> JsonTree:
        """Give the end of the trial."""
        return subscription.get("trial_end")

    def changes(self, value: JsonTree, request: Inputs) -> StripeObject:
        """Set the end; Stripe ends a trial whose end has passed by the word `now`."""
        return {"trial_end": value if value > time.time() + 60 else "now", "proration_behavior": "none"}

    def outcome(self, plan: StripeObject) -> Outcome:
        """Give both ends."""
        ends, before = moment_of(plan["after"]), moment_of(plan["before"])
        return Outcome(
            output_of(TrialOutput.model_validate({"subscription": plan["subscription"], "trial_end": ends, "previous_trial_end": before}))
        )


class PauseCollection(SubscriptionChange):
    """Stops collecting payments for a while."""

    contract = STRIPE_PAUSE_COLLECTION
    word = "the pause"

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle when collecting resumes."""
        inputs = read_inputs(PauseCollectionInput, work.call)
        if inputs.for_ is not None and inputs.until is not None:
            raise BadInput('say how long the pause is in one way: either "for: 2 months" or "until: 2026-12-24"')
        if inputs.for_ is None and inputs.until is None and {"for", "until"} & set(work.call.inputs):
            raise BadInput("when the pause ends is missing on this account, and a pause without an end was not asked for")
        until = inputs.until if inputs.for_ is None else inputs.for_
        resumes = due_at(until, await calendar_for(session, work)) if until is not None else None
        pause = {"behavior": inputs.invoices, "resumes_at": resumes}
        return {"pause": pause, **await whose(session, work, inputs.customer, inputs.subscription)}

    def plan(self, subscription: StripeObject, request: Inputs) -> tuple[JsonTree, JsonTree]:
        """Give the present pause, if there is one, and the new one."""
        return self.value(subscription, {}), request["pause"]

    def value(self, subscription: StripeObject, plan: StripeObject) -> JsonTree:
        """Give the present pause."""
        pause = subscription.get("pause_collection")
        return {"behavior": pause["behavior"], "resumes_at": pause.get("resumes_at")} if pause else None

    def changes(self, value: JsonTree, request: Inputs) -> StripeObject:
        """Set the pause; one that would be over by now is none."""
        if value is None or (value["resumes_at"] is not None and value["resumes_at"] <= time.time()):
            return {"pause_collection": ""}
        return {"pause_collection": {name: each for name, each in value.items() if each is not None}}

    def outcome(self, plan: StripeObject) -> Outcome:
        """Give the pause."""
        resumes = moment_of(plan["after"]["resumes_at"])
        return Outcome(output_of(PauseOutput(subscription=plan["subscription"], invoices=plan["after"]["behavior"], resumes_at=resumes)))


class ChangeQuantity(SubscriptionChange):
    """Sets how many units are paid for."""

    contract = STRIPE_CHANGE_QUANTITY
    word = "the quantity"

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find whose it is."""
        inputs = read_inputs(ChangeQuantityInput, work.call)
        if (inputs.to is None) == (not inputs.by):
            raise BadInput('say the new quantity: either "to: 20" or "by: 5"')
        asked = inputs.model_dump(include={"to", "by", "prorate", "item"})
        return {**asked, **await whose(session, work, inputs.customer, inputs.subscription)}

    def plan(self, subscription: StripeObject, request: Inputs) -> tuple[JsonTree, JsonTree]:
        """Give the present quantity of the item, and the new one."""
        item = _item(subscription, request["item"])
        before = item.get("quantity")
        if before is None:
            raise BadInput(f"the item {item['id']} is charged by usage, so it has no quantity")
        after = request["to"] if request["to"] is not None else before + request["by"]
        if after < 1:
            raise BadInput(f"{before} by {request['by']} would be {after} units; cancel the subscription in Stripe instead")
        return {"item": item["id"], "quantity": before}, {"item": item["id"], "quantity": after}

    def value(self, subscription: StripeObject, plan: StripeObject) -> JsonTree:
        """Give the present quantity of the item; none when it was taken off."""
        wanted = plan["after"]["item"]
        quantity = next((each.get("quantity") for each in subscription["items"]["data"] if each["id"] == wanted), None)
        return {"item": wanted, "quantity": quantity}

    def changes(self, value: JsonTree, request: Inputs) -> StripeObject:
        """Set the quantity of the one item."""
        items = [{"id": value["item"], "quantity": value["quantity"]}]
        return {"items": items, "proration_behavior": "create_prorations" if request["prorate"] else "none"}

    def outcome(self, plan: StripeObject) -> Outcome:
        """Give both quantities."""
        before, after = plan["before"], plan["after"]
        return Outcome(
            output_of(
                QuantityOutput(
                    subscription=plan["subscription"],
                    item=after["item"],
                    quantity=after["quantity"],
                    previous_quantity=before["quantity"],
                )
            )
        )


def _item(subscription: StripeObject, named: str | None) -> StripeObject:
    items: list[StripeObject] = subscription["items"]["data"]
    found = [each for each in items if named in (None, each["id"])]
    if len(found) == 1:
        return found[0]
    there = ", ".join(each["id"] for each in items)
    wanted = f'has no item "{named}"' if named else "has several items"
    raise BadInput(f'the Stripe subscription {subscription["id"]} {wanted}; name one under "item": {there}')
