"""What the API's own documentation says beside the routes."""

from typing import Any

from api.problems import MEDIA_TYPE, BodyTooLarge, BodyUnreadable, DatabaseAway, Problem, ProblemBody, RequestInvalid

DESCRIPTION = """\
Playbooks in, plays out: publish a playbook, start it on accounts, follow each play step by step, and take back what it did.

Every refusal is `application/problem+json` (RFC 9457) with a stable `code`; `GET /problems` lists them all.
A request with an `Idempotency-Key` can be sent again after a broken connection and gets the answer of the first time.
Lists come in pages: hand the `next` of one page as `after` of the following one.
"""

TAGS: list[dict[str, Any]] = [
    {"name": "accounts", "description": "The book of business: accounts, their contacts, their facts."},
    {"name": "budgets", "description": "How often people at customers may be written to, by all plays together."},
    {"name": "playbooks", "description": "Texts, versions, plans."},
    {
        "name": "scorecards",
        "description": "What health is made of, and the health of accounts, with overrides.",
    },
    {"name": "runs", "description": "Plays: one run of a playbook on one account."},
    {"name": "launches", "description": "One start on many accounts."},
    {"name": "enrollments", "description": "Who is or was in which playbook, why and why not, and who was taken out."},
    {"name": "tasks", "description": "The inbox: tasks, questions, approvals, held steps."},
    {"name": "impact", "description": "What playbooks changed against those they left alone, and the revenue at risk."},
    {"name": "effects", "description": "What plays did to the world, and what was taken back."},
    {"name": "events", "description": "What happened outside, delivered to the plays it is for."},
    {"name": "connectors", "description": "Vendors: credentials, limits, and whose their objects are."},
    {"name": "hooks", "description": "Where vendors send their events; the signature says who they are."},
    {"name": "templates", "description": "Message templates."},
    {"name": "people", "description": "The team, as owners and approvers."},
    {"name": "scoring", "description": "Health, risk of churn, readiness to buy more: scores, models, and what playbooks changed."},
    {"name": "health", "description": "Whether it works, and what the codes of problems mean."},
]

OR_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": "account,…\nC-0001,…\n"}}},
}
"""The answer of a route that gives a file instead when it is asked for one."""

_ALWAYS: tuple[type[Problem], ...] = (RequestInvalid, DatabaseAway)
_WITH_BODY: tuple[type[Problem], ...] = (BodyUnreadable, BodyTooLarge)


def may_fail(*kinds: type[Problem], body: bool = False) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of a route for OpenAPI, by status, each code with an example.

    Args:
        kinds: what this route can refuse, beside what every route can.
        body: whether the route reads a body.
    """
    described: dict[int | str, dict[str, Any]] = {}
    for kind in (*kinds, *_ALWAYS, *(_WITH_BODY if body else ())):
        entry = described.setdefault(
            kind.status, {"model": ProblemBody, "description": "", "content": {MEDIA_TYPE: {"schema": _SCHEMA, "examples": {}}}}
        )
        entry["description"] = " · ".join(part for part in (entry["description"], f"{kind.code}: {kind.title}") if part)
        entry["content"][MEDIA_TYPE]["examples"][kind.code] = {"value": example_of(kind)}
    return described


_SCHEMA = {"$ref": "#/components/schemas/ProblemBody"}


def example_of(kind: type[Problem]) -> dict[str, object]:
    """Give what such a problem looks like."""
    return {
        "type": f"/problems/{kind.code}",
        "code": kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.advice,
        "instance": "/v1/…",
        "errors": [],
    }
