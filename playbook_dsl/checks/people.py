"""People: owners, recipients and roles that nobody has declared."""

import re
from collections.abc import Iterator

from playbook_dsl.catalog import Catalog, People
from playbook_dsl.diagnostics import Report, listed
from playbook_dsl.nodes import Scalar, Sequence
from playbook_dsl.parse.keys import shape, short
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.resolve.scopes import fact_types
from playbook_dsl.syntax import ActionBody, AskBody, Step
from playbook_dsl.words import Owners, Word

WORDS = frozenset({"csm", "csm.manager", "owner", "at_start.account.csm"})
ROLES_OF_CONTACTS = frozenset({"champion", "primary_contact"})
_ROLE = re.compile(r"[a-z][a-z0-9_ -]{0,62}")
_CALL = re.compile(r"(?P<function>[a-z_]+)\((?P<argument>[^()]*)\)")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PHONE = re.compile(r"\+[0-9][0-9 ()/-]{5,24}")
_FORMS = "csm, csm.manager, owner, role:<name>, round_robin(team), least_loaded(team), a person"


def check_owners(found: Resolution, report: Report) -> None:
    """PB250: every owner is csm, a declared role, a declared team's rule or a person."""
    people = found.catalog.people
    for owners, contacts in _owners(found):
        for spec in owners.specs:
            if contacts and (spec.text in ROLES_OF_CONTACTS or spec.text in _contact_roles(found.catalog)):
                continue
            check_owner(report, people, spec)
    for role in found.playbook.enroll.start_roles if found.playbook.enroll else ():
        _check_declared(report, role, role.text, people.roles, "role")


def check_shapes(found: Resolution, report: Report) -> None:
    """PB110: owners and recipients are words, not maps; so is a due date."""
    for place in found.places:
        body = place.step.body
        action = found.catalog.actions.get(body.action.text) if isinstance(body, ActionBody) else None
        for entry in body.inputs.entries if isinstance(body, ActionBody) else ():
            param = action.inputs.get(entry.key.text) if action else None
            wanted, hint = _SHAPES.get(param.kind if param else "", ("", ""))
            several = isinstance(entry.value, Sequence) and param is not None and param.kind in ("owner", "recipient")
            for item in entry.value.items if several and isinstance(entry.value, Sequence) else [entry.value]:
                if wanted and not isinstance(item, Scalar):
                    report.error("PB110", item.span, f'"{entry.key.text}" takes {wanted}, not {shape(item)}', hint=hint)


_SHAPES = {
    "owner": ("a word or a list of words", f"legal: {_FORMS}"),
    "recipient": ("a word or a list of words", "legal: champion, primary_contact, all(champion), an address"),
    "due": ("a time", "write 3 business days, or 5 business days before account.renewal_date"),
}


def _owners(found: Resolution) -> Iterator[tuple[Owners, bool]]:
    """Give every list of owners, and whether a contact of the customer may stand in it."""
    playbook = found.playbook
    if playbook.deadline and playbook.deadline.escalate_to:
        yield playbook.deadline.escalate_to, False
    if playbook.enroll and playbook.enroll.launch and playbook.enroll.launch.approve_by:
        yield playbook.enroll.launch.approve_by, False
    for place in found.places:
        for owners in _owners_of(found, place.step):
            yield owners, isinstance(place.step.body, AskBody) and not place.step.body.approval


def _owners_of(found: Resolution, step: Step) -> Iterator[Owners]:
    if step.review:
        yield step.review.by
    if isinstance(step.body, AskBody):
        yield from (owners for owners in (step.body.by, *(rung.to for rung in step.body.escalate)) if owners)
    if isinstance(step.body, ActionBody):
        yield from (owners for line in step.body.overdue for owners in (line.tell, line.reassign) if owners)
        yield from _inputs(found.catalog, step.body, "owner")


def _inputs(catalog: Catalog, body: ActionBody, kind: str) -> Iterator[Owners]:
    action = catalog.actions.get(body.action.text)
    for entry in body.inputs.entries:
        param = action.inputs.get(entry.key.text) if action else None
        if param and param.kind == kind:
            items = entry.value.items if isinstance(entry.value, Sequence) else [entry.value]
            yield Owners(tuple(item for item in items if isinstance(item, Scalar) and "{{" not in item.text))


def check_owner(report: Report, people: People, spec: Word) -> None:
    """Report an owner spec that names nobody."""
    text = spec.text.strip()
    if text in WORDS or text in people.roles or text in people.people:
        return
    if "{{" in text:
        report.error("PB250", spec.span, "an expression cannot stand for a person here", hint=f"legal: {_FORMS}")
        return
    if text.startswith("role:"):
        _check_declared(report, spec, text.removeprefix("role:").strip(), people.roles, "role")
        return
    call = _CALL.fullmatch(text)
    if call is not None:
        _check_call(report, people, spec, call)
        return
    if _EMAIL.fullmatch(text):
        if people.people:
            report.warning("PB250", spec.span, f'nobody declared has the address "{short(text)}"', suggest=(text, people.people))
        return
    legal = [*WORDS, *people.roles, *people.people]
    near = report.nearest(text, legal)
    hint = f'did you mean "{near}"?' if near else f"legal: {_FORMS}"
    report.error("PB250", spec.span, f'"{short(text)}" is no owner', hint=hint)


def _check_call(report: Report, people: People, spec: Word, call: re.Match[str]) -> None:
    if call["function"] not in ("round_robin", "least_loaded"):
        hint = "legal: least_loaded(team), round_robin(team)"
        report.error("PB250", spec.span, f'there is no way to choose an owner called "{call["function"]}"', hint=hint)
    else:
        _check_declared(report, spec, call["argument"].strip(), people.teams, "team")


def _check_declared(report: Report, spec: Word, name: str, declared: frozenset[str], kind: str) -> None:
    if name in declared or (name and not declared):  # nothing declared: they come from the identity provider
        return
    near = report.nearest(name, declared)
    hint = f'did you mean "{near}"?' if near else f"declared: {listed(declared)}" if declared else f"name the {kind}"
    report.error("PB250", spec.span, f'there is no {kind} "{short(name)}"', hint=hint)


def check_recipients(found: Resolution, report: Report) -> None:
    """PB251: every recipient is a contact by role, an address or an expression."""
    legal = ROLES_OF_CONTACTS | _contact_roles(found.catalog)
    roots = frozenset(fact_types(tuple(found.catalog.facts)))
    for place in found.places:
        body = place.step.body
        for owners in _inputs(found.catalog, body, "recipient") if isinstance(body, ActionBody) else ():
            for spec in owners.specs:
                _check_recipient(report, spec, legal, roots)


def _check_recipient(report: Report, spec: Word, legal: frozenset[str], fact_roots: frozenset[str]) -> None:
    text = spec.text.strip()
    call = _CALL.fullmatch(text)
    name = call["argument"].strip() if call and call["function"] == "all" else text
    if name in legal or (call is None and (_EMAIL.fullmatch(text) or _PHONE.fullmatch(text))):
        return
    near = report.nearest(name, legal, cutoff=0.8)
    if _ROLE.fullmatch(name) and not (near or name in WORDS or name in fact_roots):  # the roles of contacts are the tenant's own data
        if len(legal) > len(ROLES_OF_CONTACTS):
            report.warning(
                "PB251", spec.span, f'no contact is known to have the role "{short(name)}"', hint=f"known roles: {listed(legal)}"
            )
        return
    hint = f'did you mean "{near}"?' if near else f"known roles: {listed(legal)}"
    if text in ("csm", "csm.manager", "owner") or text in fact_roots or text.startswith(("account.", "contact.", "steps.", "inputs.")):
        hint = f'a message goes to a contact of the customer; for a value write "{{{{ {text} }}}}"'
    report.error("PB251", spec.span, f'"{short(text)}" is no recipient', hint=hint)


def _contact_roles(catalog: Catalog) -> frozenset[str]:
    account = fact_types(tuple(catalog.facts)).get("account")
    contacts = account.fields.get("contacts") if account else None
    role = contacts.item.fields.get("role") if contacts and contacts.item else None
    return frozenset(role.options) if role else frozenset()
