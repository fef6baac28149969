"""The verbs that hold other steps."""

from playbook_dsl.nodes import Entry, Mapping, Node, Scalar, Sequence
from playbook_dsl.parse.actions import action
from playbook_dsl.parse.exits import exits
from playbook_dsl.parse.keys import Keys, Reader, short
from playbook_dsl.parse.parser import Parser
from playbook_dsl.parse.waits import PAUSED
from playbook_dsl.syntax import BranchBody, CaseSpec, LockBody, ParallelBody, SplitBody, StageBody, Step, TogetherBody, VariantSpec
from playbook_dsl.words import Word


def branch(parser: Parser, node: Node, verb: Word) -> BranchBody:
    """Read `branch`: a list of cases, or `value` with `cases`."""
    if isinstance(node, Mapping):
        return _branch_by_value(parser, node, verb)
    if not isinstance(node, Sequence):
        parser.wrong_shape(node, '"branch"', "a list of cases", "write - if: a condition, and steps: below it")
        return BranchBody()
    body = BranchBody()
    cases = []
    for number, item in enumerate(node.items, 1):
        mapping = parser.mapping(item, "a case of a branch", "write - if: a condition, and steps: below it")
        if mapping is None:
            continue
        if body.has_else:
            parser.report.error(
                "PB110", mapping.span, "no case may stand after the else: it would never be chosen", hint="move the else to the end"
            )
        cases.append(_case(parser, mapping, number))
        body.has_else = body.has_else or mapping.get("else") is not None
    body.cases = tuple(cases)
    if not cases and not node.items:
        parser.wrong_shape(Scalar(node.span, ""), '"branch"', "at least one case")
    return body


def _case(parser: Parser, mapping: Mapping, number: int) -> CaseSpec:
    name = Scalar(mapping.span, f"case_{number}")
    if mapping.get("else") is not None:
        keys = Keys(parser, mapping, "the else of a branch", ("else",))
        return CaseSpec(Scalar(mapping.span, "else"), None, parser.steps_at(keys, "else"))
    keys = Keys(parser, mapping, "a case of a branch", ("if", "steps"), required=("if", "steps"))
    return CaseSpec(name, keys.condition(), parser.steps_at(keys, "steps"))


def _branch_by_value(parser: Parser, mapping: Mapping, verb: Word) -> BranchBody:
    keys = Keys(parser, mapping, '"branch"', ("value", "cases", "else"), required=("value", "cases"), at=verb.span)
    cases = keys.mapping_at("cases")
    found = [
        CaseSpec(entry.key, None, parser.steps(entry.value, f'the case "{short(entry.key.text)}"'))
        for entry in (cases.entries if cases else ())
    ]
    if keys.has("else"):
        found.append(CaseSpec(Scalar(verb.span, "else"), None, parser.steps_at(keys, "else")))
    return BranchBody(tuple(found), keys.expression("value"), keys.has("else"))


def parallel(parser: Parser, node: Node, verb: Word) -> ParallelBody:
    """Read `parallel`."""
    mapping = parser.mapping(node, '"parallel"', "write branches: with named branches below it")
    if mapping is None:
        return ParallelBody()
    keys = Keys(parser, mapping, '"parallel"', ("join", "rest", "branches"), required=("branches",), at=verb.span)
    body = ParallelBody(rest=keys.choice("rest", "undo", "keep", "finish"))
    branches = keys.mapping_at("branches")
    body.branches = tuple(_branch(parser, entry) for entry in (branches.entries if branches else ()))
    _join(parser, keys, body)
    return body


def _branch(parser: Parser, entry: Entry) -> CaseSpec:
    what = f'the branch "{short(entry.key.text)}"'
    if isinstance(entry.value, Sequence):
        return CaseSpec(entry.key, None, parser.steps(entry.value, what))
    mapping = parser.mapping(entry.value, what, f"write {entry.key.text}: {{steps: [...]}}")
    if mapping is None:
        return CaseSpec(entry.key)
    keys = Keys(parser, mapping, what, ("if", "steps"), required=("steps",))
    return CaseSpec(entry.key, keys.condition(), parser.steps_at(keys, "steps"))


def _join(parser: Parser, keys: Keys, body: ParallelBody) -> None:
    node = keys.node("join")
    if isinstance(node, Mapping):
        own = Keys(parser, node, '"join"', ("first",), required=("first",))
        first = own.whole("first", 1, max(1, len(body.branches)))
        body.first = int(first.text) if first else 0
        return
    body.join = keys.choice("join", "all", "any")
    body.first = 1 if body.join and body.join.text == "any" else 0


def stage(parser: Parser, node: Node, verb: Word) -> StageBody:
    """Read `stage`."""
    mapping = parser.mapping(node, '"stage"', "write {title: …, steps: [...]}")
    if mapping is None:
        return StageBody()
    keys = Keys(
        parser, mapping, '"stage"', ("title", "steps", "up_to", "on_timeout", "exit", "while_paused"), required=("steps",), at=verb.span
    )
    return StageBody(
        title=keys.word("title"),
        steps=parser.steps_at(keys, "steps"),
        up_to=keys.duration("up_to"),
        on_timeout=parser.steps_at(keys, "on_timeout"),
        exits=keys.read("exit", lambda found, what: exits(parser, found, what), ()),
        while_paused=keys.choice("while_paused", *PAUSED),
    )


def together(parser: Parser, node: Node, verb: Word) -> TogetherBody:
    """Read `together`: a list of steps, also under `steps`."""
    if isinstance(node, Mapping) and (node.get("steps") is not None or not node.entries):
        keys = Keys(parser, node, '"together"', ("steps",), required=("steps",), at=verb.span)
        return TogetherBody(parser.steps_at(keys, "steps"))
    return TogetherBody(parser.steps(node, '"together"'))


def lock(parser: Parser, node: Node, verb: Word) -> LockBody:
    """Read `lock`."""
    mapping = parser.mapping(node, '"lock"', "write {name: account.billing, steps: [...]}")
    if mapping is None:
        return LockBody()
    keys = Keys(parser, mapping, '"lock"', ("name", "steps", "up_to"), required=("name", "steps"), at=verb.span)
    return LockBody(keys.word("name"), parser.steps_at(keys, "steps"), keys.duration("up_to"))


def split(parser: Parser, node: Node, verb: Word) -> SplitBody:
    """Read `split`: named variants with shares."""
    mapping = parser.mapping(node, '"split"', "write {a: {share: 50%, steps: []}, b: {share: 50%, steps: [...]}}")
    found = []
    for entry in mapping.entries if mapping else ():
        what = f'the variant "{short(entry.key.text)}"'
        body = parser.mapping(entry.value, what, f"write {entry.key.text}: {{share: 50%, steps: [...]}}")
        if body is not None:
            keys = Keys(parser, body, what, ("share", "steps"), required=("share", "steps"), at=entry.key.span)
            found.append(VariantSpec(entry.key, _share(parser, keys), parser.steps_at(keys, "steps")))
    return SplitBody(tuple(found))


def _share(reader: Reader, keys: Keys) -> float | None:
    return keys.read("share", reader.share, None)


def tasks(parser: Parser, node: Node, verb: Word) -> TogetherBody:
    """Read `tasks`: a list of tasks as one step. Each becomes a `task.create`; its id may be written."""
    if not isinstance(node, Sequence):
        parser.wrong_shape(node, '"tasks"', "a list of tasks", "write - {title: …, owner: csm, due: 3 business days}")
        return TogetherBody(is_tasks=True)
    steps = []
    for item in node.items:
        mapping = parser.mapping(item, "a task", "write - {title: …, owner: csm, due: 3 business days}")
        if mapping is not None:
            steps.append(_task(parser, mapping, verb))
    return TogetherBody(tuple(steps), is_tasks=True)


def _task(parser: Parser, mapping: Mapping, verb: Word) -> Step:
    own = [entry for entry in mapping.entries if entry.key.text in ("id", "if")]
    rest = Mapping(mapping.span, [entry for entry in mapping.entries if entry not in own])
    keys = Keys(parser, Mapping(mapping.span, own), "the task", ("id", "if"))
    name = Scalar(mapping.span, "task.create")
    return Step(mapping.span, name, action(parser, rest, name), id=keys.word("id"), when=keys.condition())
