"""Which features there are. How they are computed: `scoring.features.compute`.

Names are stored in snapshots and model files; a change of meaning needs a new name or `meaning`, so that the hash of the schema changes
with it.
Windows are the 30 days up to the cutoff unless said otherwise, baselines the 90 days before those. Where usage is reported by the week,
windows, weeks and days since the last login end with the newest report's week, so that no number knows the weekday of the cutoff.
`days_since_meeting` and `days_since_executive` are true lengths, missing where no meeting is known; in a young feed they are short.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Family = Literal["usage", "adoption", "support", "engagement", "billing", "contract"]
Kind = Literal["number", "category"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the models.

    Args:
        name: as stored.
        family: what it is grouped by when risks are explained.
        words: what it measures, to be read after "its" or alone.
        churn_sign: +1 when more of it can only raise the risk of churn, -1 when it can only lower it, 0 when nobody can be certain.
        kind: numbers may be missing (NaN); categories are texts.
        unit: of the number; `log ratio` is the natural logarithm of window to baseline, 0 meaning no change.
        meaning: counts how often what it measures was changed, so that values of before and after are never mixed up.
    """

    name: str
    family: Family
    words: str
    churn_sign: Literal[-1, 0, 1] = 0
    kind: Kind = "number"
    unit: str = ""
    meaning: int = 1


FEATURES: Final[tuple[Feature, ...]] = (
    Feature("logins_30d", "usage", "logins", -1),
    Feature("logins_trend", "usage", "logins", -1, unit="log ratio"),
    Feature("active_users_30d", "usage", "active users", -1),
    Feature("active_users_trend", "usage", "active users", -1, unit="log ratio"),
    Feature("seat_share", "usage", "share of the seats in use", -1, unit="share"),
    Feature("days_since_login", "usage", "days since the last login", 1, unit="days", meaning=2),
    Feature("weeks_active_share", "usage", "share of the last 13 weeks with a login", -1, unit="share", meaning=2),
    Feature("features_30d", "adoption", "features in use", -1),
    Feature("features_trend", "adoption", "features in use", -1, unit="log ratio"),
    Feature("days_to_first_value", "adoption", "days from the start to the first use of a feature", 1, unit="days"),
    Feature("tickets_per_seat_90d", "support", "tickets a seat in 90 days"),
    Feature("urgent_open", "support", "open tickets of severity 1 or 2", 1),
    Feature("first_response_h", "support", "hours to the first answer, the median of 90 days", 1, unit="hours"),
    Feature("reopened_share", "support", "share of the tickets of 90 days that were opened again", 1, unit="share"),
    Feature("csat_180d", "support", "satisfaction with support, the mean of 180 days", -1),
    Feature("days_since_meeting", "engagement", "days since the last meeting", 1, unit="days"),
    Feature("days_since_executive", "engagement", "days since the last meeting with an executive", 1, unit="days"),
    Feature("reply_share_90d", "engagement", "share of our messages of 90 days they answered", -1, unit="share"),
    Feature("champion_left", "engagement", "whether the champion left in the last 180 days", 1),
    Feature("nps", "engagement", "latest answer to the recommendation question", -1),
    Feature("nps_age_days", "engagement", "age of that answer", 0, unit="days"),
    Feature("overdue_days", "billing", "days the oldest unpaid invoice is overdue", 1, unit="days"),
    Feature("failed_payments_90d", "billing", "failed payments in 90 days", 1),
    Feature("downgraded_180d", "billing", "whether the contract was made smaller in 180 days", 1),
    Feature("discount_share", "billing", "discount", 0, unit="share"),
    Feature("days_to_renewal", "contract", "days to the renewal", 0, unit="days"),
    Feature("term_months", "contract", "length of the contract", -1, unit="months"),
    Feature("auto_renew", "contract", "whether the contract goes on by itself", -1),
    Feature("tenure_days", "contract", "days as a customer", -1, unit="days"),
    Feature("mrr_log", "contract", "monthly revenue, as log(1 + mrr)", 0),
    Feature("seats", "contract", "seats bought", 0),
    Feature("plan", "contract", "plan", 0, "category"),
)


def schema_hash(features: Sequence[Feature] = FEATURES) -> str:
    """Give 12 hexadecimal digits that change when the names, kinds, units, meanings or order of features do."""
    form = json.dumps([[each.name, each.kind, each.unit, *([each.meaning] if each.meaning > 1 else [])] for each in features])
    return hashlib.sha256(form.encode()).hexdigest()[:12]


FEATURE_SET: Final = schema_hash()
"""What snapshots and model files call this list."""
