"""Every vendor there is a connector for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from connectors.hubspot.vendor import HUBSPOT
from connectors.salesforce.vendor import SALESFORCE
from connectors.stripe.vendor import STRIPE
from connectors.vendor import Vendor

_ALL: Final[tuple[Vendor[Any], ...]] = (
    STRIPE,
    HUBSPOT,
    SALESFORCE,
)

VENDORS: Final[Mapping[str, Vendor[Any]]] = MappingProxyType({vendor.name: vendor for vendor in _ALL})
"""The vendors by name. Importing this imports no SDK."""
