"""The names of events in our words, over all vendors: what readers give, and what playbooks are helped to write."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "calendar.changed": "Something in a calendar changed.",
        "charge.disputed": "A payment is disputed.",
        "charge.dispute_closed": "A dispute about a payment has ended.",
        "charge.failed": "A payment failed.",
        "charge.refunded": "A payment was given back.",
        "contact.left": "A contact has left the customer.",
        "contract.renewed": "The contract was renewed.",
        "contract.signed": "The contract was signed.",
        "email.bounced": "A mail could not be delivered; `hard` when it never can.",
        "email.clicked": "A link in a mail was followed.",
        "email.complained": "A mail was reported as unwanted.",
        "email.deferred": "A mail is delayed on its way.",
        "email.delivered": "A mail arrived.",
        "email.dropped": "A mail was not sent, because its address is suppressed.",
        "email.opened": "A mail was opened.",
        "email.replied": "A mail was answered.",
        "email.unsubscribed": "A contact wants no more mails.",
        "invoice.finalized": "An invoice was made.",
        "invoice.marked_uncollectible": "An invoice was given up.",
        "invoice.overdue": "An invoice is overdue.",
        "invoice.paid": "An invoice was paid.",
        "invoice.payment_action_required": "A payment waits for the customer to confirm it.",
        "invoice.payment_failed": "A payment of an invoice failed.",
        "invoice.sent": "An invoice was sent.",
        "invoice.voided": "An invoice was taken back.",
        "meeting.accepted": "An invitation was accepted.",
        "meeting.booked": "A meeting was booked.",
        "meeting.cancelled": "A meeting was called off.",
        "meeting.declined": "An invitation was declined.",
        "meeting.moved": "A meeting was moved.",
        "slack.action": "A button in a message of ours in Slack was pressed.",
        "slack.replied": "Somebody answered a message of ours in Slack, or wrote to the app.",
        "opportunity.lost": "An opportunity was closed without a deal.",
        "opportunity.stage_changed": "An opportunity came to another stage.",
        "opportunity.won": "An opportunity was won.",
        "sms.delivered": "A text message arrived.",
        "sms.failed": "A text message could not be delivered.",
        "sms.replied": "A text message was answered.",
        "sms.sent": "A text message left.",
        "sms.started": "A contact wants text messages again.",
        "sms.stopped": "A contact wants no more text messages.",
        "subscription.cancelled": "A subscription has ended.",
        "subscription.created": "A subscription began.",
        "subscription.paused": "A subscription was paused.",
        "subscription.resumed": "A subscription goes on.",
        "subscription.trial_will_end": "A trial ends soon.",
        "subscription.updated": "A subscription was changed.",
        "survey.answered": "A survey was answered.",
    }
)
"""What happened, by name. Teams' own systems may tell anything else besides."""
