"""What was seen of accounts: usage of the product, tickets, invoices, surveys, contracts."""

from fastapi import APIRouter

from api.deps import DatabaseDep
from api.openapi import may_fail
from api.schemas.usage import UsageEvents, UsageTaken
from api.security import Operator
from api.services.usage import take_observations

router = APIRouter(prefix="/v1/usage-events", tags=["scoring"])


@router.post("", summary="Tell what was seen of accounts", responses=may_fail(body=True))
async def post_usage_events(body: UsageEvents, user: Operator, database: DatabaseDep) -> UsageTaken:
    """Up to 5,000 observations and 5 MB at once, in any order, late or again: each is kept once, under its account, moment and id.

    The good ones of a batch are taken even when others are refused; `problems` says of each refused one where and why.
    Scores take them into account the next night.
    """
    return await take_observations(database, user, body)
