"""`salesforce.*`: what plays do at Salesforce."""

from typing import Annotated

from pydantic import Field

from activities.contracts import JsonTree
from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, AnyValue, Due, Owner, Written

ApiName = Annotated[str, Field(min_length=1, max_length=80, description="The object's API name, such as `Account` or `Risk__c`.")]
Id = Annotated[
    str | None,
    Field(max_length=18, description="The record, 15 or 18 characters; without it the Salesforce account that is linked to the account."),
]
Values = Annotated[
    dict[str, JsonTree], Written("fields"), Field(min_length=1, description="New values by API name; a list is a multi-select.")
]
More = Annotated[dict[str, JsonTree], Written("fields"), Field(default_factory=dict, description="Other fields, by API name.")]
Key = Annotated[str, Field(min_length=1, max_length=80, description="An external id field of the object, such as `Contract_Number__c`.")]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class GetInput(ActionInput):
    """A record to look up."""

    object: ApiName = "Account"
    id: Id = None
    fields: Annotated[
        list[Name], Field(default=["Name"], min_length=1, max_length=100, description="What to read, such as `Industry` or `Owner.Email`.")
    ]


class RecordOutput(ActionOutput):
    """A record. `fields` has a value for each field that was asked for, under its API name (`Owner.Email` with its dot)."""

    id: str
    object: str
    fields: dict[str, JsonTree] = Field(default_factory=dict)


class QueryInput(ActionInput):
    """Records to find. Every condition must hold."""

    object: ApiName
    fields: Annotated[list[Name], Field(default=["Id", "Name"], min_length=1, max_length=100, description="What to read of each.")]
    where: Annotated[
        dict[str, JsonTree],
        Written("fields"),
        Field(
            default_factory=dict,
            max_length=20,
            description="Values by field (or lists of them); `!=`, `<`, `<=`, `>`, `>=`, `contains`, `starts with` may follow the field.",
        ),
    ]
    order_by: Annotated[list[Name], Field(default_factory=list, max_length=5, description="Fields, `CloseDate` or `Amount desc`.")]
    limit: Annotated[int, Field(ge=1, le=2000, description="How many at most.")] = 200


class QueryOutput(ActionOutput):
    """What was found. `first` is the first record, or missing."""

    count: int
    records: list[dict[str, JsonTree]]
    first: dict[str, JsonTree] | None = None


class CreateInput(ActionInput):
    """A record to make."""

    object: ApiName
    set: Values
    account_field: Annotated[
        str | None, Field(max_length=80, description="The field that is to hold the linked Salesforce account, such as `AccountId`.")
    ] = None


class UpdateInput(ActionInput):
    """Fields of a record to set."""

    object: ApiName
    set: Values
    id: Id = None


class UpdateOutput(ActionOutput):
    """The record, and the names of the fields whose value is another one now."""

    id: str
    changed: list[str]


class UpsertInput(ActionInput):
    """A record to make, or to change where it is there already."""

    object: ApiName
    by: Key
    key: Annotated[AnyValue, Field(description="The record's value of that field.")]
    set: Values


class UpsertOutput(ActionOutput):
    """The record, and whether it was made."""

    id: str
    created: bool


class CreateTaskInput(ActionInput):
    """A task in Salesforce."""

    subject: Annotated[str, Field(min_length=1, max_length=255, description="What is to be done, in a few words.")]
    description: Annotated[str, Field(max_length=30_000, description="More about it.")] = ""
    owner: Annotated[Owner, Field(description="Who does it; the Salesforce user with the same e-mail address.")] = None
    due: Annotated[Due, Field(description="When it is due: `3 business days`, or `5 business days before account.renewal_date`.")] = None
    priority: Annotated[str, Field(max_length=40, description="As your Salesforce names it.")] = "Normal"
    status: Annotated[str | None, Field(max_length=40, description="As your Salesforce names it; without it its first.")] = None
    about: Annotated[str | None, Field(max_length=18, description="The record it is about; without it the linked Salesforce account.")] = (
        None
    )
    contact: Annotated[str | None, Field(max_length=18, description="The Salesforce contact or lead it is about.")] = None
    set: More


class CreateCaseInput(ActionInput):
    """A case in Salesforce."""

    subject: Annotated[str, Field(min_length=1, max_length=255, description="What it is about, in a few words.")]
    description: Annotated[str, Field(max_length=30_000, description="More about it.")] = ""
    owner: Annotated[Owner, Field(description="Who works on it; the Salesforce user with the same e-mail address.")] = None
    priority: Annotated[str | None, Field(max_length=40, description="As your Salesforce names it.")] = None
    origin: Annotated[str | None, Field(max_length=40, description="As your Salesforce names it.")] = None
    account: Annotated[str | None, Field(max_length=18, description="The Salesforce account; without it the linked one.")] = None
    contact: Annotated[str | None, Field(max_length=18, description="The Salesforce contact.")] = None
    set: More


class UpdateOpportunityInput(ActionInput):
    """An opportunity to move on."""

    id: Annotated[
        str | None, Field(max_length=18, description="The opportunity; without it the only open one of the linked Salesforce account.")
    ] = None
    stage: Annotated[str | None, Field(max_length=255, description="Its stage, as your Salesforce names it.")] = None
    amount: Annotated[AnyValue, Field(description="Its amount: a number, or money in the opportunity's currency.")] = None
    close_date: Annotated[AnyValue, Field(description="When it is to be closed, a date.")] = None
    probability: Annotated[float | None, Field(ge=0, le=100, description="Its probability in percent.")] = None
    next_step: Annotated[str | None, Field(max_length=255, description="What comes next, in a few words.")] = None
    set: More


class BulkUpsertInput(ActionInput):
    """Many records to make or to change, as one job."""

    object: ApiName
    by: Key
    records: Annotated[
        list[dict[str, JsonTree]],
        Field(min_length=1, max_length=10_000, description="A map of API names to values for each record; every one has the external id."),
    ]


class BulkOutput(ActionOutput):
    """What came of the job. `errors` are Salesforce's words on the first records it refused."""

    job: str
    processed: int
    failed: int
    errors: list[str] = Field(default_factory=list)


_BACK = "puts back the values from before, except where somebody changed them since"
_DELETE = "deletes the record, unless somebody changed it since"
SALESFORCE_GET = ActionContract(
    name="salesforce.get",
    title="Look up a Salesforce record",
    effect="read",
    inputs=GetInput,
    outputs=RecordOutput,
    internal=False,
    timeout_s=60,
    help="Reads fields of a record as they are now.",
)
SALESFORCE_QUERY = ActionContract(
    name="salesforce.query",
    title="Find Salesforce records",
    effect="read",
    inputs=QueryInput,
    outputs=QueryOutput,
    internal=False,
    timeout_s=60,
    help="Finds records by the values of their fields. Values are bound: whatever they hold, they are never read as SOQL.",
)
SALESFORCE_CREATE = ActionContract(
    name="salesforce.create",
    title="Create a Salesforce record",
    effect="compensable",
    inputs=CreateInput,
    outputs=RecordOutput,
    undo=_DELETE,
    internal=False,
    timeout_s=90,
    help="Makes a record of any object.",
)
SALESFORCE_UPDATE = ActionContract(
    name="salesforce.update",
    title="Update a Salesforce record",
    effect="reversible",
    inputs=UpdateInput,
    outputs=UpdateOutput,
    undo=_BACK,
    internal=False,
    timeout_s=90,
    help="Sets fields of a record.",
)
SALESFORCE_UPSERT = ActionContract(
    name="salesforce.upsert",
    title="Create or update a Salesforce record",
    effect="reversible",
    inputs=UpsertInput,
    outputs=UpsertOutput,
    undo=f"{_BACK}; a record that was made is deleted",
    internal=False,
    timeout_s=90,
    help="Sets fields of the record with this external id, and makes it where there is none.",
)
SALESFORCE_TASK_CREATE = ActionContract(
    name="salesforce.task.create",
    title="Create a Salesforce task",
    effect="compensable",
    inputs=CreateTaskInput,
    outputs=RecordOutput,
    undo=_DELETE,
    internal=False,
    timeout_s=90,
    help="Puts a task on the account into Salesforce, for teams that work there. `task.create` is the one of Playkeeper's own inbox.",
)
SALESFORCE_CASE_CREATE = ActionContract(
    name="salesforce.case.create",
    title="Create a Salesforce case",
    effect="compensable",
    inputs=CreateCaseInput,
    outputs=RecordOutput,
    undo=_DELETE,
    internal=False,
    timeout_s=90,
    help="Opens a case for the account.",
)
SALESFORCE_OPPORTUNITY_UPDATE = ActionContract(
    name="salesforce.opportunity.update",
    title="Update a Salesforce opportunity",
    effect="reversible",
    inputs=UpdateOpportunityInput,
    outputs=UpdateOutput,
    undo=_BACK,
    internal=False,
    timeout_s=90,
    help="Sets stage, amount, close date and other fields of an opportunity.",
)
SALESFORCE_BULK_UPSERT = ActionContract(
    name="salesforce.bulk_upsert",
    title="Create or update many Salesforce records",
    effect="irreversible",
    inputs=BulkUpsertInput,
    outputs=BulkOutput,
    internal=False,
    policy="at_least_once",
    timeout_s=600,
    help="Hands up to 10,000 records to Salesforce's bulk API and waits. What was there before is not kept: nothing takes it back.",
)
SALESFORCE_CONTRACTS = (
    SALESFORCE_BULK_UPSERT,
    SALESFORCE_CASE_CREATE,
    SALESFORCE_CREATE,
    SALESFORCE_GET,
    SALESFORCE_OPPORTUNITY_UPDATE,
    SALESFORCE_QUERY,
    SALESFORCE_TASK_CREATE,
    SALESFORCE_UPDATE,
    SALESFORCE_UPSERT,
)
