"""Every vendor there is a connector for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from connectors.cloudevents.vendor import CLOUDEVENTS
from connectors.google_calendar.vendor import GOOGLE_CALENDAR
from connectors.http.vendor import HTTP
from connectors.hubspot.vendor import HUBSPOT
from connectors.sagemaker.vendor import SAGEMAKER
from connectors.salesforce.vendor import SALESFORCE
from connectors.sendgrid.vendor import SENDGRID
from connectors.slack.vendor import SLACK
from connectors.stripe.vendor import STRIPE
from connectors.twilio.vendor import TWILIO
from connectors.vendor import Vendor
from connectors.webhook.vendor import WEBHOOK

_ALL: Final[tuple[Vendor[Any], ...]] = (
    CLOUDEVENTS,
    HTTP,
    SLACK,
    STRIPE,
    GOOGLE_CALENDAR,
    SENDGRID,
    TWILIO,
    HUBSPOT,
    SALESFORCE,
    WEBHOOK,
    SAGEMAKER,
)

VENDORS: Final[Mapping[str, Vendor[Any]]] = MappingProxyType({vendor.name: vendor for vendor in _ALL})
"""The vendors by name. Importing this imports no SDK."""
