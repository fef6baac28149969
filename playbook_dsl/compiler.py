"""The compiler: text in, a plan or diagnostics out. Pure: no files, no network, no clock."""

from dataclasses import dataclass

from playbook_dsl.catalog import Catalog
from playbook_dsl.checks.all import run_checks
from playbook_dsl.compose import compose, decode
from playbook_dsl.coverage import Coverage, coverage_of
from playbook_dsl.diagnostics import Diagnostic, Report
from playbook_dsl.lower.playbook import lower
from playbook_dsl.parse.playbook import parse
from playbook_dsl.plan import MAX_PLAN_BYTES, Plan
from playbook_dsl.resolve.walk import has_too_many_steps, resolve
from playbook_dsl.source import SourceText


@dataclass(frozen=True)
class Compiled:
    """The result. `plan` is there when nothing is an error; `coverage` says which effects can be undone; `source` is for pictures."""

    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]
    coverage: Coverage | None
    source: SourceText


def compile_playbook(source: bytes | str, catalog: Catalog, *, path: str = "playbook.yaml") -> Compiled:
    """Compile one playbook. Never raises, whatever the source: what is wrong with it is in the diagnostics, sorted by place.

    Args:
        source: the file, at most 256 KB of UTF-8.
        catalog: everything names in the playbook may stand for.
        path: how the file is called in the diagnostics; its name must be the playbook's slug (`playbook.yaml` and `-` are exempt).
    """
    text, report = decode(source, path)
    plan, coverage = (None, None) if report.has_errors else _compile(text, catalog, report)
    return Compiled(plan, report.sorted(), coverage, text)


def _compile(text: SourceText, catalog: Catalog, report: Report) -> tuple[Plan | None, Coverage | None]:
    document = compose(text, report)
    if document is None:
        return None, None
    playbook = parse(document, report, catalog.actions)
    if playbook is None or has_too_many_steps(playbook, report):
        return None, None
    found = resolve(playbook, document, catalog, report)
    run_checks(found, report)
    if report.has_errors:
        return None, coverage_of(found)
    plan = lower(found)
    size = len(plan.to_json().encode())
    if size > MAX_PLAN_BYTES:
        report.error(
            "PB118",
            playbook.span,
            f"the compiled play has {size:,} bytes; at most {MAX_PLAN_BYTES:,} travel with a run",
            hint="move long texts into templates, and phases into playbooks of their own started with `play`",
        )
        return None, coverage_of(found)
    return plan, coverage_of(found)
