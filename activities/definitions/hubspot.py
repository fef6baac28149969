"""`hubspot.*`: what plays do at HubSpot."""

from typing import Annotated

from pydantic import Field

from activities.contracts import JsonTree
from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, Due, Written
from connectors.hubspot.vendor import HUBSPOT

Company = Annotated[
    str | None, Field(max_length=100, description="The HubSpot company's id; without it the one that is linked to the account.")
]


class GetCompanyInput(ActionInput):
    """A company to look up."""

    company: Company = None


class HubSpotCompanyOutput(ActionOutput):
    """The company as HubSpot knows it. Every property is a text there."""

    company: str
    properties: dict[str, JsonTree]


class UpdateCompanyInput(ActionInput):
    """Properties of a company to set."""

    company: Company = None
    set: Annotated[dict[str, JsonTree], Written("fields"), Field(min_length=1, description="New values by HubSpot's property names.")]


class CreateHubSpotTaskInput(ActionInput):
    """A task for somebody who works in HubSpot."""

    title: Annotated[str, Field(min_length=1, max_length=500, description="What is to be done.")]
    text: Annotated[str | None, Field(max_length=20_000, description="More about it.")] = None
    due: Annotated[Due, Field(description="Until when: `3 business days`; without it now.")] = None
    owner: Annotated[str | None, Field(max_length=100, description="HubSpot's owner id.")] = None
    company: Company = None


class HubSpotTaskOutput(ActionOutput):
    """The task that was made."""

    task_id: str


HUBSPOT_COMPANY_GET = ActionContract(
    name="hubspot.company.get",
    title="Look up a HubSpot company",
    effect="read",
    inputs=GetCompanyInput,
    outputs=HubSpotCompanyOutput,
    internal=False,
    retry=HUBSPOT.backoff.as_retry(),
    help="Reads the company as it is now.",
)
HUBSPOT_COMPANY_UPDATE = ActionContract(
    name="hubspot.company.update",
    title="Change a HubSpot company",
    effect="reversible",
    inputs=UpdateCompanyInput,
    outputs=HubSpotCompanyOutput,
    undo="puts the earlier values back, unless somebody changed them since",
    internal=False,
    retry=HUBSPOT.backoff.as_retry(),
    policy="at_least_once",
    help="Sets properties of the company.",
)
HUBSPOT_TASK_CREATE = ActionContract(
    name="hubspot.task.create",
    title="Make a task in HubSpot",
    effect="reversible",
    inputs=CreateHubSpotTaskInput,
    outputs=HubSpotTaskOutput,
    undo="moves the task to HubSpot's recycle bin",
    internal=False,
    retry=HUBSPOT.backoff.as_retry(),
    help="Makes a task on the company, for teams that work in HubSpot.",
)
HUBSPOT_CONTRACTS = (HUBSPOT_COMPANY_GET, HUBSPOT_COMPANY_UPDATE, HUBSPOT_TASK_CREATE)
