"""Message templates."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.deps import SessionDep
from api.openapi import may_fail
from api.problems import AccountNotFound, ContactNotFound, TemplateFailed, TemplateNotFound
from api.schemas.playbooks import PreviewTemplate, PutTemplate, TemplateOut, TemplatePreview
from api.security import Publisher, Viewer
from api.services.templates import check_template, existing_template, preview
from storage.repositories.playbooks import list_templates, save_templates
from storage.tables import MessageTemplate

router = APIRouter(prefix="/v1/templates", tags=["templates"])

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$", description="The template's name.", examples=["save-intro"])]


@router.get("", summary="List message templates", responses=may_fail())
async def list_all_templates(user: Viewer, session: SessionDep) -> list[TemplateOut]:
    """By name."""
    return [TemplateOut.model_validate(template.model_dump()) for template in await list_templates(session)]


@router.get("/{name}", summary="Look at a message template", responses=may_fail(TemplateNotFound))
async def get_template(name: Name, user: Viewer, session: SessionDep) -> TemplateOut:
    """As it stands now; published playbooks carry the text they were published with."""
    return TemplateOut.model_validate((await existing_template(session, name)).model_dump())


@router.put("/{name}", summary="Add or change a message template", responses=may_fail(TemplateFailed, body=True))
async def put_template(name: Name, body: PutTemplate, user: Publisher, session: SessionDep) -> TemplateOut:
    """Playbooks published from now on send this text; those published before keep theirs."""
    check_template(body)
    await save_templates(session, [MessageTemplate(tenant=user.tenant, name=name, **body.model_dump())])
    return TemplateOut.model_validate((await existing_template(session, name)).model_dump())


@router.post(
    "/{name}/preview",
    summary="Render a template for an account",
    responses=may_fail(TemplateNotFound, TemplateFailed, AccountNotFound, ContactNotFound, body=True),
)
async def preview_template(name: Name, body: PreviewTemplate, user: Viewer, session: SessionDep) -> TemplatePreview:
    """The message as it would leave, or what this account lacks for it. Nothing is sent."""
    return await preview(session, await existing_template(session, name), body)
