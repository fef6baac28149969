"""Versions of playbooks, read once: a version that was published never changes."""

from dataclasses import dataclass
from typing import Final

from enrollment.rules import Rules
from playbook_dsl.plan import Plan
from storage.repositories.playbooks import find_version, list_published_playbooks, plan_of
from storage.session import Session
from storage.tables import PlaybookVersion

_MOST: Final = 500
_KNOWN: dict[tuple[str, str, int, str], "Published"] = {}


@dataclass(frozen=True)
class Published:
    """A version that accounts may enter."""

    slug: str
    version: int
    plan: Plan
    rules: Rules


def published(tenant: str, version: PlaybookVersion) -> Published:
    """Give a version with its plan and its rules, from memory where it was read before."""
    name = (tenant, version.slug, version.version, version.digest)
    known = _KNOWN.get(name)
    if known is None:
        plan = plan_of(version)
        if len(_KNOWN) >= _MOST:
            _KNOWN.clear()
        known = _KNOWN[name] = Published(version.slug, version.version, plan, Rules.of(plan, version.version))
    return known


async def find_published(session: Session, slug: str, number: int | None = None) -> Published | None:
    """Give the published version of a playbook, or the one of this number; None when there is none."""
    version = await find_version(session, slug, number)
    return None if version is None else published(session.tenant, version)


async def list_published(session: Session) -> list[Published]:
    """Give every published version, by slug."""
    return [published(session.tenant, version) for version in await list_published_playbooks(session)]
