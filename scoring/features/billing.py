"""Features of invoices and payments."""

from scoring.features.history import History, State
from scoring.features.values import DAY
from scoring.panel import FeatureValue


def billing_features(history: History, cutoff: float) -> dict[str, FeatureValue]:
    """Give the features of invoices; missing where no invoice was ever known."""
    invoices = history.states("invoice", cutoff)
    if not invoices:
        return {}
    # An invoice that is due on a day may be paid all that day.
    oldest = min((due + DAY for each in invoices if is_unpaid(each) and (due := each.day("due")) is not None), default=cutoff)
    track = history.tracks["invoice"]
    recent = track.known(cutoff, cutoff - 90 * DAY)
    return {
        "overdue_days": max(0.0, (cutoff - oldest) / DAY),
        "failed_payments_90d": float(sum(track.seen[place].values.get("status") == "failed" for place in recent)),
    }


def is_unpaid(invoice: State) -> bool:
    """Say whether an invoice waits for its payment; a failed attempt does not end the waiting."""
    return invoice.text("status") in ("open", "failed") and invoice.day("paid") is None
