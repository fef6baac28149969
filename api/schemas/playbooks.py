"""Bodies of the routes about playbooks and message templates."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas.parts import JsonMap
from api.schemas.runs import Body

EXAMPLE = "playbook: hello\ntitle: Say hello\nsteps:\n  - id: note\n    note.add: {text: Hello}\n"


class PlaybookText(Body):
    """A playbook as its author wrote it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"source": EXAMPLE, "path": "hello.yaml"}]})
    source: Annotated[str, Field(description="The YAML text.")]
    path: Annotated[str | None, StringConstraints(max_length=300)] = Field(
        default=None, description="Its file name; must match the slug. Also what diagnostics call it.", examples=["hello.yaml"]
    )


class DiagnosticOut(BaseModel):
    """One finding of the compiler."""

    file: str = Field(examples=["hello.yaml"])
    line: int = Field(examples=[4])
    column: int = Field(examples=[5])
    length: int = Field(default=1, examples=[8])
    code: str = Field(examples=["PB201"])
    severity: Literal["error", "warning"] = Field(examples=["error"])
    message: str = Field(examples=['no step has the id "asess"'])
    hint: str | None = Field(default=None, examples=['did you mean "assess"?'])


class Checked(BaseModel):
    """What the compiler says of a text."""

    ok: bool = Field(description="Whether it could be published.", examples=[True])
    playbook: str | None = Field(default=None, examples=["hello"])
    digest: str | None = Field(default=None, description="sha256 of the plan.", examples=["9f86d081884c7d659a2feaa0c55ad015"])
    undo_coverage: str | None = Field(default=None, examples=["6 of 8 effects; not undone: intro, tip"])
    diagnostics: list[DiagnosticOut]


class PlaybookOut(BaseModel):
    """A playbook over all its versions."""

    slug: str = Field(examples=["hello"])
    title: str = Field(examples=["Say hello"])
    owner: str | None = Field(default=None, examples=["cs-ops"])
    labels: list[str] = Field(default_factory=list, examples=[["risk"]])
    published: int | None = Field(default=None, description="The version that new plays follow.", examples=[3])
    updated_at: datetime


class ExistingOut(BaseModel):
    """What becomes of the accounts that match when a version is published."""

    then: Literal["preview", "include", "only_new"] = Field(
        description="preview: nothing is started; include: they enter now; only_new: they never enter by themselves.", examples=["preview"]
    )
    accounts: int = Field(description="How many accounts are in the audience now.", examples=[214])
    launch: str | None = Field(default=None, description="The launch that brings them in.", examples=["0190b3c4d5e6"])


class VersionOut(BaseModel):
    """A version of a playbook."""

    slug: str = Field(examples=["hello"])
    version: int = Field(examples=[3])
    status: Literal["draft", "published", "archived"] = Field(examples=["published"])
    digest: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015"])
    created_by: str | None = Field(default=None, examples=["maria"])
    created_at: datetime
    published_at: datetime | None = None
    existing: ExistingOut | None = Field(default=None, description="Only in the answer to a publishing.")


class VersionSaved(VersionOut):
    """A version that was kept, with the compiler's warnings."""

    warnings: list[DiagnosticOut] = Field(default_factory=list)


class VersionDetails(VersionOut):
    """A version with its text, its plan, and the form that a start asks for."""

    source: str = Field(examples=[EXAMPLE])
    plan: JsonMap
    inputs: list[JsonMap] = Field(default_factory=list, examples=[[{"name": "discount_percent", "type": "integer", "default": 10}]])


class TemplateOut(BaseModel):
    """A message template."""

    name: str = Field(examples=["save-intro"])
    channel: str = Field(examples=["email"])
    subject: str = Field(default="", examples=["A word about {{ account.name }}"])
    body: str = Field(examples=["Hello {{ contact.name }},"])
    path: str = ""
    updated_at: datetime


class PutTemplate(Body):
    """A message template, whole."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"channel": "email", "subject": "A word about {{ account.name }}", "body": "Hello,\n\nhow are you?"}]
        },
    )
    channel: Literal["email", "sms", "chat"] = "email"
    subject: Annotated[str, StringConstraints(max_length=500)] = ""
    body: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]


class PreviewTemplate(Body):
    """For whom to render a template."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"account": "C-0001", "contact": "C-0001-champion"}]})
    account: str = Field(max_length=100)
    contact: str | None = Field(default=None, max_length=200)
    values: JsonMap = Field(default_factory=dict, description="Values for names that only a play has, such as `inputs` and `steps`.")


class TemplatePreview(BaseModel):
    """The message as it would leave."""

    subject: str = Field(examples=["A word about ACME"])
    text: str = Field(examples=["Hello,\n\nhow are you?"])
    html: str = Field(default="", examples=["<p>Hello,</p>"])
