"""Plays that start other plays."""

from playbook_dsl.catalog import Catalog
from playbook_dsl.checks.actions import check_inputs
from playbook_dsl.diagnostics import Report, listed
from playbook_dsl.nodes import Mapping
from playbook_dsl.parse.keys import short
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.syntax import PlayBody


def check_plays(found: Resolution, report: Report) -> None:
    """PB244, PB245: sub-plays exist, are given what they take, and never lead back to this playbook."""
    own = found.playbook.slug.text if found.playbook.slug else ""
    for place in found.places:
        body = place.step.body
        if not isinstance(body, PlayBody) or body.playbook is None:
            continue
        slug = body.playbook
        way = _way_back(found.catalog, slug.text, own)
        if way is not None:
            path = " → ".join([own, *way])
            report.error("PB245", slug.span, f"this play would start itself: {path}", hint="end the chain somewhere")
            continue
        known = found.catalog.playbooks.get(slug.text)
        if known is None:
            near = report.nearest(slug.text, found.catalog.playbooks)
            hint = f'did you mean "{near}"?' if near else f"there is: {listed(found.catalog.playbooks)}"
            report.error("PB244", slug.span, f'there is no playbook "{short(slug.text)}"', hint=hint)
            continue
        check_inputs(report, body.inputs or Mapping(slug.span), known.inputs, known.slug, slug.span)


def _way_back(catalog: Catalog, start: str, goal: str) -> list[str] | None:
    """Give the chain of plays from `start` that leads to `goal`, both included, or None."""
    ways = [[start]]
    seen = {start}
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        known = catalog.playbooks.get(way[-1])
        for slug in known.plays if known else ():
            if slug not in seen:
                seen.add(slug)
                ways.append([*way, slug])
    return None
