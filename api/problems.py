"""Everything that can go wrong, as one tree of errors; `api.answers` turns it into HTTP (RFC 9457, `application/problem+json`).

A problem has a stable `code`, a `title` that is the same for all of its kind, a `detail` that says what happened here and what to do, and
`errors` that point at the parts of the request that are wrong. Nothing of the inside (tracebacks, SQL, secrets) is in it.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from playbook_dsl.values import Json

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One part of the request that is wrong. `pointer` is a JSON pointer into the body, or `?name` / `/name` of the address."""

    model_config = ConfigDict(frozen=True)

    pointer: str = Field(examples=["#/inputs/discount_percent"])
    detail: str = Field(examples=['must be at most 30, and is "45"'])
    code: str | None = Field(default=None, examples=["too_large"])


class ProblemBody(BaseModel):
    """What a refused or failed request is answered with."""

    type: str = Field(examples=["/problems/PLAY003"])
    code: str = Field(examples=["PLAY003"])
    title: str = Field(examples=["The play has ended"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["Play r-1 ended as completed; undo it or retry it from a step instead."])
    instance: str | None = Field(default=None, examples=["/v1/runs/r-1/pause"])
    errors: list[FieldProblem] = Field(default=[])
    reason: str | None = Field(default=None, description="Which rule of a playbook does not let an account in.", examples=["suppressed"])
    failed: list[dict[str, object]] | None = Field(default=None, description="Who was asked for a score and did not answer.")
    diagnostics: list[dict[str, object]] | None = Field(default=None, description="What the compiler says, for a refused playbook.")


class Problem(Exception):
    """A request that is refused. Each kind is a subclass with its code, its title and its HTTP status."""

    code: ClassVar[str] = "SYS001"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something unexpected happened"
    advice: ClassVar[str] = "Try again; if it happens again, tell the people who run Playkeeper the time and the address."

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Json] | None = None,
    ) -> None:
        """Keep what is particular to this request; `extra` are further members of the body."""
        super().__init__(detail or self.title)
        self.detail = detail or self.advice
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


class ActorMissing(Problem):
    """AUTH001: nobody is named, or the name cannot be one."""

    code, status, title = "AUTH001", 401, "Nobody is signed in"
    advice = "Send who you are in the header X-Playkeeper-Actor."


class RoleMissing(Problem):
    """AUTH002: the person may not do this."""

    code, status, title = "AUTH002", 403, "Your role does not allow this"
    advice = "Ask an administrator for the role."


class SignatureWrong(Problem):
    """AUTH003: what a vendor is said to have sent is not signed with its secret, or was signed too long ago."""

    code, status, title = "AUTH003", 401, "The signature is not right"
    advice = "Compare the signing secret saved with the connector with the vendor's, and both clocks; nothing was kept."


class RequestInvalid(Problem):
    """DATA001: a body, parameter or header has not the form that the API describes."""

    code, status, title = "DATA001", 422, "The request has parts that are wrong"
    advice = "Correct the parts listed under errors and send it again."


class BodyUnreadable(Problem):
    """DATA002: the body is no JSON, too deep, or holds text that nothing can store."""

    code, status, title = "DATA002", 400, "The body cannot be read"
    advice = "Send a JSON document in UTF-8."


class BodyTooLarge(Problem):
    """DATA003: more bytes than a request may have."""

    code, status, title = "DATA003", 413, "The request is too large"
    advice = "Split it into smaller parts."


class RouteNotFound(Problem):
    """DATA004: no such address."""

    code, status, title = "DATA004", 404, "There is nothing at this address"
    advice = "The addresses are listed at /docs."


class MethodNotAllowed(Problem):
    """DATA005: the address exists, but not with this method."""

    code, status, title = "DATA005", 405, "This address does not know this method"
    advice = "The header Allow names the methods it knows."


class AccountNotFound(Problem):
    """DATA006: no account has this id."""

    code, status, title = "DATA006", 404, "There is no such account"
    advice = "Import the account first, or correct its id."


class ContactNotFound(Problem):
    """DATA007: no contact has this id."""

    code, status, title = "DATA007", 404, "There is no such contact"
    advice = "Correct the id; GET /v1/accounts/{account} lists the account's contacts."


class TemplateNotFound(Problem):
    """DATA008: no message template has this name."""

    code, status, title = "DATA008", 404, "There is no such message template"
    advice = "GET /v1/templates lists the names."


class TemplateFailed(Problem):
    """DATA009: a message template cannot be rendered for this account."""

    code, status, title = "DATA009", 422, "The template fails on this account"
    advice = "Correct the template, or fill in what the account lacks."


class RequestRepeatedDifferently(Problem):
    """DATA010: the same Idempotency-Key came with another request."""

    code, status, title = "DATA010", 422, "This Idempotency-Key was used for another request"
    advice = "Use a new key for a new request, or repeat the first one exactly."


class RequestUnderWay(Problem):
    """DATA013: the request with the same Idempotency-Key is being answered right now."""

    code, status, title = "DATA013", 409, "The same request is being answered"
    advice = "Wait a second and send it again; it gets the answer of the first one."


class ImportRefused(Problem):
    """DATA011: a file of accounts as a whole cannot be read."""

    code, status, title = "DATA011", 422, "The file cannot be imported"
    advice = "Send a CSV file in UTF-8 with a header line."


class MediaTypeUnknown(Problem):
    """DATA012: a body of a kind the address does not read."""

    code, status, title = "DATA012", 415, "This kind of body is not understood here"
    advice = "Send application/json, or what the documentation of the address names."


class HookNotFound(Problem):
    """DATA014: no vendor's events are taken in at this address."""

    code, status, title = "DATA014", 404, "No events are taken in here"
    advice = "Connect the vendor with its signing secret first, and compare the address with the documentation."


class HookUnreadable(Problem):
    """DATA015: rightly signed, but not in the form the vendor's events have."""

    code, status, title = "DATA015", 400, "The vendor's event cannot be read"
    advice = "Compare what is sent with the documentation of the connector; nothing was kept."


class PlaybookRefused(Problem):
    """PLAY001: the compiler found errors."""

    code, status, title = "PLAY001", 422, "The playbook has errors"
    advice = "Correct what the diagnostics say; each names its line and column."


class RunNotFound(Problem):
    """PLAY002: no play has this id."""

    code, status, title = "PLAY002", 404, "There is no such play"
    advice = "GET /v1/runs lists the plays."


class RunClosed(Problem):
    """PLAY003: the play has ended, and what was asked needs one that goes on."""

    code, status, title = "PLAY003", 409, "The play has ended"
    advice = "Undo it, or retry it from a step, or start a new one."


class TaskClosed(Problem):
    """PLAY004: the task, question or approval is closed."""

    code, status, title = "PLAY004", 409, "This is no longer open"
    advice = "Nothing was changed; look at the play to see what was decided."


class PlaybookNotFound(Problem):
    """PLAY005: no playbook (or version) has this name."""

    code, status, title = "PLAY005", 404, "There is no such playbook"
    advice = "GET /v1/playbooks lists the playbooks."


class PlaybookNotPublished(Problem):
    """PLAY006: the playbook has no published version to start."""

    code, status, title = "PLAY006", 409, "The playbook is not published"
    advice = "Publish a version first."


class InputsRefused(Problem):
    """PLAY007: the inputs or answers do not fit the form."""

    code, status, title = "PLAY007", 422, "The inputs do not fit the form"
    advice = "Correct the fields listed under errors."


class StepNotFound(Problem):
    """PLAY008: the play has no step with this key."""

    code, status, title = "PLAY008", 404, "The play has no such step"
    advice = "GET /v1/runs/{run} lists the steps with their keys."


class StepNotHeld(Problem):
    """PLAY009: the step does not wait for a decision."""

    code, status, title = "PLAY009", 409, "The step is not held"
    advice = "Retry, skip and edit are for steps that failed and are held; GET /v1/runs/{run} shows which."


class CommandNotAllowed(Problem):
    """PLAY010: the play refused what a person asked."""

    code, status, title = "PLAY010", 409, "The play refused this"
    advice = "Look at the play to see what it is doing now."


class RunStillActive(Problem):
    """PLAY011: what was asked needs a play that has ended."""

    code, status, title = "PLAY011", 409, "The play has not ended yet"
    advice = "Cancel it first, or retry a held step in place."


class TaskNotFound(Problem):
    """PLAY012: no inbox item has this id."""

    code, status, title = "PLAY012", 404, "There is no such task"
    advice = "GET /v1/tasks lists the tasks."


class LaunchNotFound(Problem):
    """PLAY013: no launch has this id."""

    code, status, title = "PLAY013", 404, "There is no such launch"
    advice = "The id of a launch is in the answer to its start and on its plays."


class ScheduleNotFound(Problem):
    """PLAY015: the playbook has no such schedule."""

    code, status, title = "PLAY015", 404, "There is no such schedule"
    advice = "GET /v1/schedules lists the schedules of published playbooks."


class EnrollmentRefused(Problem):
    """PLAY014: the rules of the playbook do not let the account in; `reason` says which."""

    code, status, title = "PLAY014", 409, "The playbook does not take this account now"
    advice = "GET /v1/playbooks/{slug}/why/{account} shows every rule with its value."

    def __init__(self, detail: str, *, reason: str) -> None:
        """Say why, and by which rule."""
        super().__init__(detail, extra={"reason": reason})


class EnrollmentNotFound(Problem):
    """PLAY022: no enrollment has this id."""

    code, status, title = "PLAY022", 404, "There is no such enrollment"
    advice = "GET /v1/enrollments lists them."


class EnrollmentNotWaiting(Problem):
    """PLAY016: the enrollment became a play, or is over."""

    code, status, title = "PLAY016", 409, "This enrollment does not wait"
    advice = "Cancel or undo its play instead; nothing was changed."


class ExemptionNotFound(Problem):
    """PLAY017: no exemption has this id."""

    code, status, title = "PLAY017", 404, "There is no such exemption"
    advice = "GET /v1/exemptions lists those in force; one that was ended is gone."


class LaunchClosed(Problem):
    """PLAY018: the launch is over, or not in the state that what was asked needs."""

    code, status, title = "PLAY018", 409, "The launch is not open to this"
    advice = "Look at the launch to see where it stands; what its plays did can be undone whatever its state."


class BulkNotConfirmed(Problem):
    """PLAY019: a command to many plays without a dry run that fits."""

    code, status, title = "PLAY019", 409, "Look first at what this would do"
    advice = "Send the same with dry_run: true, and then with the token of its answer."


class JobNotFound(Problem):
    """PLAY020: no command to many plays has this id."""

    code, status, title = "PLAY020", 404, "There is no such command to many plays"
    advice = "The id is in the answer to the command, under job."


class AudienceNotAsked(Problem):
    """PLAY021: the audience of the playbook cannot be asked of the database any more."""

    code, status, title = "PLAY021", 422, "The audience cannot be looked up"
    advice = "Correct the audience and publish the playbook again."


class VendorNotFound(Problem):
    """CONN001: there is no connector of this name."""

    code, status, title = "CONN001", 404, "There is no such connector"
    advice = "GET /v1/connectors lists the names."


class CredentialsRefused(Problem):
    """CONN002: the vendor does not accept the credentials, or they are of another form."""

    code, status, title = "CONN002", 422, "The credentials are not accepted"
    advice = "Nothing was saved; correct them and send them again."


class VendorAway(Problem):
    """CONN003: the vendor could not be asked whether the credentials are right."""

    code, status, title = "CONN003", 503, "The vendor does not answer"
    advice = "Nothing was saved; try again in a few minutes."


class NotConnected(Problem):
    """CONN004: the connector has no credentials."""

    code, status, title = "CONN004", 404, "This connector is not connected"
    advice = "Save its credentials first: PUT /v1/connectors/{vendor}."


class SyncNotPossible(Problem):
    """SYNC001: the vendor's records cannot be read or mapped, or a sync of it is under way."""

    code, status, title = "SYNC001", 409, "This cannot be synced now"
    advice = "Wait for the sync that is under way, or correct the mapping: PUT /v1/connectors/{vendor}/sync."


class MappingRefused(Problem):
    """SYNC002: the mapping has errors."""

    code, status, title = "SYNC002", 422, "The mapping has errors"
    advice = "Nothing was saved; correct what the diagnostics say, each names its line and column."


class SyncRecordNotFound(Problem):
    """SYNC003: no queued record, or no report, has this id."""

    code, status, title = "SYNC003", 404, "There is no such record or report"
    advice = "GET /v1/connectors/{vendor}/sync/failures lists what is queued; a record that was taken in meanwhile is gone from there."


class DatabaseAway(Problem):
    """SYS002: PostgreSQL does not answer."""

    code, status, title = "SYS002", 503, "The database cannot be reached"
    advice = "Nothing was changed. Playkeeper goes on by itself when PostgreSQL is back; try again in a few seconds."


class TemporalAway(Problem):
    """SYS003: Temporal does not answer."""

    code, status, title = "SYS003", 503, "Temporal cannot be reached"
    advice = "Playkeeper goes on by itself when Temporal is back; try again in a few seconds."


class PlayNotAnswering(Problem):
    """SYS004: the play did not answer in time, for example because no worker runs."""

    code, status, title = "SYS004", 503, "The play does not answer"
    advice = "No worker took the command in time. Check that a worker runs, and repeat the request with the same Idempotency-Key."


def all_problems() -> tuple[type[Problem], ...]:
    """Give every kind of problem, by code."""
    return tuple(sorted([Problem, *Problem.__subclasses__()], key=lambda kind: kind.code))
