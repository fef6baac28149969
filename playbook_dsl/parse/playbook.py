"""A whole file: the pass from nodes to the syntax tree."""

from collections.abc import Iterable

from playbook_dsl.diagnostics import Report
from playbook_dsl.nodes import Document, Mapping
from playbook_dsl.parse import blocks, ends, loops, waits
from playbook_dsl.parse.actions import action
from playbook_dsl.parse.enroll import enroll
from playbook_dsl.parse.exits import exits
from playbook_dsl.parse.forms import fields
from playbook_dsl.parse.keys import Keys
from playbook_dsl.parse.parser import Parser, VerbParser
from playbook_dsl.parse.policies import on_error, retry
from playbook_dsl.source import Span
from playbook_dsl.syntax import DeadlineSpec, DefaultsSpec, GoalSpec, PlaybookSpec, TimeSpec

VERBS: dict[str, VerbParser] = {
    "wait": waits.wait,
    "wait_until": waits.wait_until,
    "ask": waits.ask,
    "approve": waits.approve,
    "branch": blocks.branch,
    "parallel": blocks.parallel,
    "for_each": loops.for_each,
    "repeat": loops.repeat,
    "stop_repeat": loops.stop_repeat,
    "stage": blocks.stage,
    "together": blocks.together,
    "lock": blocks.lock,
    "split": blocks.split,
    "tasks": blocks.tasks,
    "play": ends.play,
    "set": ends.set_values,
    "stop": ends.stop,
}

TOP_KEYS = (
    *("playbook", "title", "owner", "labels", "inputs", "tables", "enroll"),
    *("exit", "goal", "deadline", "time", "defaults", "steps", "finally"),
)


def parse(document: Document, report: Report, actions: Iterable[str] = ()) -> PlaybookSpec | None:
    """Give the syntax tree of a file; what could not be read is in the report and left out of the tree.

    `actions` are the names of actions that a step's unknown key may have been meant for.
    """
    parser = Parser(document, report, VERBS, action, tuple(actions))
    root = parser.mapping(document.root, "a playbook", "start with `playbook: <name>` and `steps:`")
    if root is None:
        return None
    start = Span(document.source.path, root.span.line, root.span.column)
    keys = Keys(parser, root, "the playbook", TOP_KEYS, required=("playbook", "steps"), at=start)
    inputs = keys.mapping_at("inputs")
    return PlaybookSpec(
        span=start,
        slug=keys.word("playbook"),
        title=keys.word("title"),
        owner=keys.word("owner"),
        labels=keys.words("labels"),
        inputs=fields(parser, inputs, "input") if inputs else (),
        enroll=keys.read("enroll", lambda node, what: enroll(parser, node, what), None),
        exits=keys.read("exit", lambda node, what: exits(parser, node, what), ()),
        goal=_goal(keys),
        deadline=_deadline(keys),
        time=_time(keys),
        defaults=_defaults(parser, keys),
        tables=_tables(parser, keys),
        steps=parser.steps_at(keys, "steps"),
        finally_=parser.steps_at(keys, "finally"),
    )


def _goal(keys: Keys) -> GoalSpec | None:
    mapping = keys.mapping_at("goal")
    if mapping is None:
        return None
    own = Keys(keys.reader, mapping, '"goal"', ("name", "if", "within", "by"), required=("name",))
    return GoalSpec(mapping.span, own.word("name"), own.condition(), own.duration("within"), own.moment("by"))


def _deadline(keys: Keys) -> DeadlineSpec | None:
    mapping = keys.mapping_at("deadline")
    if mapping is None:
        return None
    own = Keys(keys.reader, mapping, '"deadline"', ("after", "escalate_to", "then"), required=("after",))
    return DeadlineSpec(mapping.span, own.duration("after"), own.owners("escalate_to"), own.choice("then", "tell", "hold", "stop"))


def _time(keys: Keys) -> TimeSpec:
    mapping = keys.mapping_at("time")
    if mapping is None:
        return TimeSpec()
    own = Keys(keys.reader, mapping, '"time"', ("zone", "calendar", "quiet", "hours", "closed"))
    return TimeSpec(own.words("zone"), own.word("calendar"), own.word("quiet"), own.word("hours"), own.words("closed"))


def _defaults(parser: Parser, keys: Keys) -> DefaultsSpec:
    mapping = keys.mapping_at("defaults")
    if mapping is None:
        return DefaultsSpec()
    own = Keys(parser, mapping, '"defaults"', ("retry", "timeout", "on_error"))
    rule = own.read("on_error", lambda node, what: on_error(parser, node, what), None)
    if rule is not None and rule.do == "catch":
        hint = "put it on the steps, or around them with together"
        parser.report.error("PB110", rule.span, "steps that catch an error belong to one step, not to all", hint=hint)
        rule = None
    return DefaultsSpec(
        own.read("retry", lambda node, what: retry(parser, node, what), None),
        own.word("timeout"),
        rule,
    )


def _tables(parser: Parser, keys: Keys) -> Mapping | None:
    tables = keys.mapping_at("tables")
    for entry in tables.entries if tables else ():
        parser.mapping(entry.value, f'the table "{entry.key.text}"', "write one row a line, such as high: {leader: role:vp_cs}")
    return tables
