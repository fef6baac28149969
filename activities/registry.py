"""The activities a worker offers, made from what it was given: no globals."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, TypeAlias, TypeVar

from temporalio import activity

from activities.actions.email import SendEmail
from activities.actions.http import CallWebService
from activities.actions.hubspot import hubspot_actions
from activities.actions.meetings import meeting_actions
from activities.actions.sagemaker import InvokeModel
from activities.actions.salesforce import salesforce_actions
from activities.actions.scores import score_actions
from activities.actions.slack import slack_actions
from activities.actions.sms import SendSms
from activities.actions.stripe import stripe_actions
from activities.actions.webhook import EmitWebhook
from activities.connections import Connections
from activities.contracts import UNDO, ActionCall, ActionResult, UndoCall, UndoResult
from activities.effects import Action, Ledger, Pause
from activities.failures import as_activity_failure
from activities.outlet import Outlet
from activities.scoring.registry import scoring_activities
from activities.scoring.serving import Serving
from activities.services import Services
from activities.sweeping import Sweeping
from activities.syncing import Syncing, Vendors
from activities.undo_ahead import INTERNAL
from connectors.email.mail import Mailer
from connectors.http.client import WebClient
from connectors.registry import VENDORS
from storage.session import Database

_LONGEST_PAUSE: Final = timedelta(minutes=5)
CallT = TypeVar("CallT", ActionCall, UndoCall)
Activity: TypeAlias = Callable[..., Awaitable[object]]


@dataclass(frozen=True)
class Dependencies:
    """What the activities work with. `sender` is the address of mails whose step names none."""

    database: Database
    plays: Outlet
    mailer: Mailer
    web: WebClient
    sender: str
    connections: Connections
    after_answer: Pause | None = None
    vendors: Vendors = field(default_factory=lambda: VENDORS)
    scoring: Serving | None = None


def build_activities(dependencies: Dependencies) -> list[Activity]:
    """Give every activity: one for each action of the catalog, the undo, and the product's own services."""
    serving = dependencies.scoring or Serving(dependencies.database, dependencies.connections)
    dependencies = replace(dependencies, scoring=serving)
    actions = build_actions(dependencies)
    ledger = Ledger(dependencies.database, actions, after_answer=dependencies.after_answer)
    performed = [_performing(name, ledger) for name in actions]
    return [
        *performed,
        _undoing(ledger),
        *Services(dependencies.database, dependencies.plays).all(),
        *scoring_activities(dependencies.database, serving),
        *Sweeping(dependencies.database, dependencies.plays).all(),
        *Syncing(dependencies.database, dependencies.connections, dependencies.vendors).all(),
    ]


def build_actions(dependencies: Dependencies) -> Mapping[str, Action]:
    """Give every action by its name."""
    actions: tuple[Action, ...] = (
        *INTERNAL,
        SendEmail(dependencies.mailer, dependencies.sender, dependencies.connections),
        CallWebService(dependencies.web, dependencies.connections),
        *salesforce_actions(dependencies.connections),
        *slack_actions(dependencies.connections),
        *stripe_actions(dependencies.connections),
        *meeting_actions(dependencies.connections),
        SendSms(dependencies.connections),
        *hubspot_actions(dependencies.connections),
        EmitWebhook(dependencies.connections, dependencies.web),
        InvokeModel(dependencies.connections),
        *score_actions(dependencies.scoring or Serving(dependencies.database, dependencies.connections)),
    )
    return {action.contract.name: action for action in actions}


def _pause(call: ActionCall) -> timedelta | None:
    """Give the pause after this attempt where pauses grow evenly: Temporal only knows how to multiply."""
    if call.grow_by_s is None:
        return None
    return min(timedelta(seconds=call.grow_by_s * activity.info().attempt), _LONGEST_PAUSE)


def _of_this_attempt(call: CallT) -> CallT:
    """A turn at a vendor was booked for one attempt; those after it need their own."""
    return call if activity.info().attempt == 1 or call.booked is None else call.model_copy(update={"booked": None})


def _performing(name: str, ledger: Ledger) -> Activity:
    @activity.defn(name=name)
    async def perform(call: ActionCall) -> ActionResult:
        with as_activity_failure(_pause(call)):
            return await ledger.perform(_of_this_attempt(call))

    return perform


def _undoing(ledger: Ledger) -> Activity:
    @activity.defn(name=UNDO)
    async def undo(call: UndoCall) -> UndoResult:
        with as_activity_failure():
            return await ledger.undo(_of_this_attempt(call))

    return undo
