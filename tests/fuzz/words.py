"""One catalog in which both the library's playbooks and the golden cases compile, so that breaking them starts from something whole."""

from __future__ import annotations

from dataclasses import replace

from activities.catalog import plain_catalog
from playbook_dsl.catalog import Catalog, People, TemplateDef
from playbook_dsl.library import TEMPLATE_SUFFIX, read_people, read_template
from tests.fuzz.corpus import ROOT
from tests.playbook_dsl.catalogs import CATALOG as CASES

LIBRARY = ROOT / "playbooks"


def everything() -> Catalog:
    plain = plain_catalog()
    facts = {fact.path: fact for fact in (*plain.facts, *CASES.facts)}
    return replace(
        CASES,
        actions={**CASES.actions, **{name: action for name, action in plain.actions.items() if name not in CASES.actions}},
        facts=tuple(facts.values()),
        templates={**CASES.templates, **_templates()},
        people=_people(CASES.people),
    )


def _templates() -> dict[str, TemplateDef]:
    found = {}
    for path in sorted((LIBRARY / "templates").glob(f"*{TEMPLATE_SUFFIX}")):
        name = path.name.removesuffix(TEMPLATE_SUFFIX)
        template, _ = read_template(path.read_bytes(), name, path.name)
        if template is not None:
            found[name] = template
    return found


def _people(first: People) -> People:
    second, _ = read_people((LIBRARY / "people.yaml").read_bytes())
    return People(first.roles | second.roles, first.teams | second.teams, first.people | second.people)


CATALOG = everything()
