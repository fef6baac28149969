"""Runs the tests of a file and says what came of them, for people and for programs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from playbook_dsl.catalog import Catalog
from playbook_dsl.diagnostics import Diagnostic, Report, render_all
from playbook_dsl.plan import Plan
from playbook_dsl.source import SourceText, Span
from simulation.testing.cases import Case
from simulation.testing.comparing import Difference, check_names, compare, when
from simulation.testing.reading import read_tests
from simulation.testing.replies import step_of
from simulation.testing.running import Actual, run_case
from simulation.testing.situation import situation

MAX_TIMELINE = 60


@dataclass(frozen=True)
class CaseResult:
    """What came of one test. `differences` is empty when it passed; `timeline` are the play's steps for who looks for the reason.

    `reached` has every step that the play came to, as (id, status) with the status at the end: done, skipped, failed, waiting, …;
    `came` has what ended each `wait_until`, as (id, name of the alternative).
    """

    name: str
    span: Span
    differences: tuple[Difference, ...]
    timeline: tuple[str, ...]
    outcome: str
    reached: frozenset[tuple[str, str]]
    came: frozenset[tuple[str, str]]

    @property
    def passed(self) -> bool:
        """Say whether the play went as expected."""
        return not self.differences


@dataclass(frozen=True)
class FileResult:
    """What came of a file. With errors among the `diagnostics` the tests they touch did not run."""

    path: str
    source: SourceText
    diagnostics: tuple[Diagnostic, ...]
    results: tuple[CaseResult, ...]

    @property
    def passed(self) -> bool:
        """Say whether all tests ran and passed."""
        return not any(found.is_error for found in self.diagnostics) and all(result.passed for result in self.results)


def run_tests(source: bytes | str, path: str, plan_of: Callable[[str | None], Plan | None], catalog: Catalog) -> FileResult:
    """Run every test of a file.

    Args:
        source: the text of the test file.
        path: how the file is called in what is reported.
        plan_of: gives the plan for the slug the file names (None: it names none), or None when there is no such valid playbook.
        catalog: what the playbook was compiled with; mocks, facts and events are checked against it.
    """
    file, report = read_tests(source, path)
    if report.has_errors:
        return FileResult(path, report.source, report.sorted(), ())
    plan = plan_of(file.playbook.text if file.playbook else None)
    if plan is None:
        at = file.playbook.span if file.playbook else Span(path, 1, 1)
        slug = f' "{file.playbook.text}"' if file.playbook else ""
        message = f"there is no playbook{slug} without errors for these tests"
        report.error("PB201", at, message, hint="put the test file beside its playbook, and correct the playbook first")
        return FileResult(path, report.source, report.sorted(), ())
    diagnostics: list[Diagnostic] = list(report.sorted())
    results = []
    for case in file.cases:
        own = Report(report.source)
        result = _run(case, plan, catalog, own)
        diagnostics += [found for found in own.sorted() if found not in diagnostics]
        if result is not None:
            results.append(result)
    return FileResult(path, report.source, tuple(diagnostics), tuple(results))


def _run(case: Case, plan: Plan, catalog: Catalog, report: Report) -> CaseResult | None:
    check_names(case, plan, catalog, report)
    actual = run_case(case, plan, catalog, report)
    if actual is None:
        return None
    calendar = situation(case.given, plan, catalog, Report(report.source)).literals.calendar
    return CaseResult(
        name=case.name.text,
        span=case.name.span,
        differences=tuple(compare(case, plan, actual, calendar)),
        timeline=_timeline(actual),
        outcome=actual.outcome,
        reached=frozenset((step_of(key), str(step["status"])) for key, step in actual.steps.items()),
        came=frozenset(_came(actual)),
    )


def _came(actual: Actual) -> Iterator[tuple[str, str]]:
    for key, step in actual.steps.items():
        output = step.get("output")
        if isinstance(output, dict) and isinstance(came := output.get("came"), str):
            yield step_of(key), came


def _timeline(actual: Actual) -> tuple[str, ...]:
    """Give what happened, one line each, in order."""
    lines = []
    for done in actual.done[:MAX_TIMELINE]:
        what = "" if done.what == "perform" else f"{done.what} "
        status = "" if done.status == "done" else f" ({done.status})"
        lines.append(f"{when(done.at, actual)}  {what}{done.key}  {done.action}{status}".rstrip())
    if len(actual.done) > MAX_TIMELINE:
        lines.append(f"… and {len(actual.done) - MAX_TIMELINE} more")
    waiting = [key for key, step in actual.steps.items() if step["status"] in ("waiting", "running", "held")]
    lines.append(f"{when(actual.ended_at, actual)}  {actual.outcome}" + (f": waits at {', '.join(waiting)}" if waiting else ""))
    return tuple(lines)


def as_text(files: Sequence[FileResult]) -> str:
    """Give the report for people: what failed, where, how it differs, and a line with the counts."""
    lines: list[str] = []
    for file in files:
        if file.diagnostics:
            lines.append(render_all(file.diagnostics, file.source).rstrip())
        for result in file.results:
            lines += _failed(result) if not result.passed else [f"passed  {file.path}  {result.name}"]
    results = [result for file in files for result in file.results]
    failed = sum(not result.passed for result in results)
    broken = sum(any(found.is_error for found in file.diagnostics) for file in files)
    summary = f"{len(results) - failed} passed, {failed} failed"
    lines.append(summary + (f", {broken} {'file' if broken == 1 else 'files'} with errors" if broken else ""))
    return "\n".join(lines)


def _failed(result: CaseResult) -> list[str]:
    lines = [f"FAILED  {_place(result.span)}  {result.name}"]
    for difference in result.differences:
        lines.append(f"  {_place(difference.span)}: {difference.message}")
        lines += [f"      {line}" for line in difference.lines]
    return [*lines, "  what happened:", *(f"      {line}" for line in result.timeline)]


def _place(span: Span) -> str:
    return f"{span.file}:{span.line}:{span.column}"


def as_json(files: Sequence[FileResult]) -> dict[str, object]:
    """Give the report for programs."""
    return {
        "passed": all(file.passed for file in files),
        "files": [
            {
                "file": file.path,
                "diagnostics": [found.to_json() for found in file.diagnostics],
                "tests": [_result_json(result) for result in file.results],
            }
            for file in files
        ],
    }


def _result_json(result: CaseResult) -> dict[str, object]:
    return {
        "name": result.name,
        "line": result.span.line,
        "passed": result.passed,
        "differences": [
            {"line": found.span.line, "column": found.span.column, "message": found.message, "lines": list(found.lines)}
            for found in result.differences
        ],
        "timeline": list(result.timeline),
    }
