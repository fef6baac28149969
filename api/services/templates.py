"""Checks and previews message templates with the code that sends them."""

from dataclasses import asdict
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from activities.failures import TemplateFailed as CannotRender
from activities.messages import markdown_to_html, render
from api.problems import ContactNotFound, FieldProblem, TemplateFailed, TemplateNotFound
from api.schemas.playbooks import PreviewTemplate, PutTemplate, TemplatePreview
from api.services.facts import loaded_facts
from playbook_dsl.values import to_json
from storage.facts import contact_record
from storage.repositories.accounts import list_contacts_by_account
from storage.repositories.playbooks import find_template
from storage.session import Session
from storage.tables import MessageTemplate


async def existing_template(session: Session, name: str) -> MessageTemplate:
    """Give a message template.

    Raises:
        TemplateNotFound: there is none of this name.
    """
    template = await find_template(session, name)
    if template is None:
        raise TemplateNotFound(f'There is no template "{name}"; GET /v1/templates lists them.')
    await session.refresh(template)
    return template


def check_template(body: PutTemplate) -> None:
    """Refuse a template that is no Jinja2; whether its names exist is checked with the playbook that sends it.

    Raises:
        TemplateFailed: with the part and the line.
    """
    environment = SandboxedEnvironment(autoescape=True)
    wrong: list[FieldProblem] = []
    for part, source in (("subject", body.subject), ("body", body.body)):
        try:
            environment.parse(source)
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            wrong.append(
                FieldProblem(pointer=f"#/{part}", detail=f"{error.message} (line {line})" if line else str(error), code="template")
            )
        except RecursionError:
            wrong.append(FieldProblem(pointer=f"#/{part}", detail="is nested too deeply", code="template"))
    if wrong:
        raise TemplateFailed("The template cannot be read; correct the parts listed under errors.", errors=wrong)


async def preview(session: Session, template: MessageTemplate, body: PreviewTemplate) -> TemplatePreview:
    """Render a template with an account's facts of now.

    Raises:
        AccountNotFound, ContactNotFound: there is no such one.
        TemplateFailed: this account lacks something the template prints.
    """
    loaded = await loaded_facts(session, body.account)
    context: dict[str, Any] = {**loaded.facts, **body.values}
    if body.contact is not None:
        contacts = {contact.id: contact for contact in await list_contacts_by_account(session, body.account)}
        if body.contact not in contacts:
            raise ContactNotFound(f'The account "{body.account}" has no contact "{body.contact}".')
        context["contact"] = to_json(contact_record(asdict(contacts[body.contact])))
    try:
        text = render(template.name, template.body, context)
        return TemplatePreview(subject=render(template.name, template.subject, context), text=text, html=markdown_to_html(text))
    except CannotRender as error:
        raise TemplateFailed(f"{error}. Correct the template, or fill in what the account lacks.") from error
