"""Plans of every shape, for what must hold for all of them. They need not make sense; they are plans."""

from collections import Counter
from typing import Any, TypeAlias

from hypothesis import strategies as st

from playbook_dsl.enrollment import Enroll, Suppression, Trigger
from playbook_dsl.plan import (
    ActionStep,
    Alternative,
    AskStep,
    BranchStep,
    Case,
    Catch,
    Deadline,
    Escalation,
    Exit,
    ForEachStep,
    FormField,
    Goal,
    Hold,
    LockStep,
    OnError,
    Overdue,
    ParallelStep,
    Plan,
    PlayStep,
    RepeatStep,
    Retry,
    Review,
    SetStep,
    SplitStep,
    StageStep,
    Step,
    StopRepeatStep,
    StopStep,
    TimeRules,
    TogetherStep,
    Undo,
    Variant,
    WaitStep,
    WaitUntilStep,
)

Tree: TypeAlias = Any
HOSTILE = [
    '"]; click a "x"',
    "end",
    "a --> b",
    "%%{init: {}}%%",
    "<script>alert(1)</script>",
    "#quot;",
    "`x`",
    "a|b",
    "x\ny\r\0",
    "￾‮",
    "{{ }}",
    "“”",
]
texts = st.sampled_from(HOSTILE) | st.text(max_size=30)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
expressions = (
    st.sampled_from(
        ["3 business days", "10m", "health.score >= 65", "'legal-hold' in account.tags", "account.tier not in ['a', 'b']", "x is missing"]
    )
    | texts
)
maybe = st.none() | expressions
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
nodes = st.recursive(
    leaves
    | expressions.map(lambda source: {"$expr": source})
    | st.lists(texts | expressions.map(lambda source: {"$expr": source}), max_size=3).map(lambda parts: {"$text": parts})
    | st.just({"$money": ["5", "EUR"]})
    | st.just({"$duration": {"days": 3}}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
inputs = st.dictionaries(names, nodes, max_size=3)
owners = st.lists(
    st.sampled_from(["csm", "csm.manager", "role:vp", "round_robin(emea)", "all(champion)", "maria"]) | texts, min_size=1, max_size=2
).map(tuple)
undos = st.builds(
    Undo, by=st.sampled_from(["contract", "action", "none"]), at_end=st.booleans(), action=st.none() | names, because=st.none() | texts
)
fields = st.builds(
    FormField,
    name=names,
    type=st.sampled_from(["text", "number", "list", "one_of"]),
    item=st.none() | st.just("text"),
    options=st.lists(texts, max_size=2).map(tuple),
    default=nodes,
)
retries = st.builds(Retry, attempts=st.integers(0, 9), first_s=st.floats(0, 1e6), not_on=st.lists(names, max_size=2).map(tuple))


def _head(kind: str) -> dict[str, Any]:
    return {"kind": st.just(kind), "title": st.none() | texts, "when": maybe, "note": st.none() | texts, "line": st.integers(0, 900)}


def _leaf_steps() -> st.SearchStrategy[Step]:
    reviews = st.builds(Review, by=owners, up_to=maybe)
    overdue = st.builds(Overdue, after=expressions, tell=owners)
    action = st.builds(
        ActionStep,
        id=names,
        **_head("action"),
        action=st.sampled_from(["email.send", "task.create", "cta.open", "x.y"]),
        inputs=inputs | st.fixed_dictionaries({"to": nodes, "owner": nodes, "due": nodes, "template": nodes}),
        effect=st.sampled_from(["read", "reversible", "compensable", "irreversible"]),
        undo=undos,
        urgent=st.none() | texts,
        review=st.none() | reviews,
        overdue=st.lists(overdue, max_size=1).map(tuple),
        retry=st.none() | retries,
    )
    wait = st.builds(
        WaitStep, id=names, **_head("wait"), for_=maybe, until=maybe, until_words=st.none() | texts, at=st.none() | st.just("09:00")
    )
    play = st.builds(PlayStep, id=names, **_head("play"), playbook=names, inputs=inputs, undo=undos, wait=st.booleans())
    values = st.builds(SetStep, id=names, **_head("set"), values=inputs)
    stop = st.builds(StopStep, id=names, **_head("stop"), outcome=texts, undo=st.booleans())
    return action | wait | play | values | stop | st.builds(StopRepeatStep, id=names, **_head("stop_repeat"))


def _outer_head(block: st.SearchStrategy[tuple[Step, ...]], kind: str) -> dict[str, Any]:
    catch = st.builds(OnError, do=st.just("catch"), catch=st.builds(Catch, steps=block, undo=st.booleans()))
    hold = st.builds(OnError, do=st.just("hold"), hold=st.builds(Hold, hold_for=maybe))
    return {"id": names, **_head(kind), "on_error": st.none() | catch | hold}


def _outer_steps(inner: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    block = st.lists(inner, max_size=3).map(tuple)
    cases = st.lists(st.builds(Case, name=names, when=maybe, steps=block), max_size=3, unique_by=lambda case: case.name).map(tuple)
    alternatives = st.lists(
        st.builds(Alternative, name=names, event=st.none() | names, when=maybe, then=block), max_size=2, unique_by=lambda one: one.name
    ).map(tuple)
    variants = st.lists(st.builds(Variant, name=names, share=st.floats(0, 1), steps=block), max_size=2, unique_by=lambda one: one.name).map(
        tuple
    )
    escalations = st.lists(st.builds(Escalation, after=expressions, to=owners), max_size=1).map(tuple)
    exits = st.lists(st.builds(Exit, name=names, when=maybe, steps=block), max_size=1).map(tuple)
    return st.one_of(
        st.builds(BranchStep, **_outer_head(block, "branch"), cases=cases),
        st.builds(ParallelStep, **_outer_head(block, "parallel"), branches=cases, first=st.integers(0, 3)),
        st.builds(WaitUntilStep, **_outer_head(block, "wait_until"), alternatives=alternatives, up_to=maybe, on_timeout=block),
        st.builds(
            AskStep,
            **_outer_head(block, "ask"),
            approval=st.booleans(),
            by=owners,
            question=nodes,
            form=st.lists(fields, max_size=2).map(tuple),
            up_to=maybe,
            escalate=escalations,
            on_timeout=block,
            on_reject=block,
        ),
        st.builds(SplitStep, **_outer_head(block, "split"), variants=variants),
        st.builds(
            ForEachStep,
            **_outer_head(block, "for_each"),
            items=expressions,
            as_=names,
            where=maybe,
            steps=block,
            counts=st.dictionaries(names, expressions, max_size=1),
        ),
        st.builds(
            RepeatStep,
            **_outer_head(block, "repeat"),
            steps=block,
            at_most=st.integers(0, 9),
            weekdays=st.lists(st.integers(0, 6), max_size=2).map(tuple),
            on_exhausted=block,
        ),
        st.builds(StageStep, **_outer_head(block, "stage"), steps=block, up_to=maybe, on_timeout=block, exits=exits),
        st.builds(TogetherStep, **_outer_head(block, "together"), steps=block),
        st.builds(LockStep, **_outer_head(block, "lock"), name=texts, steps=block),
    )


steps = st.recursive(_leaf_steps(), _outer_steps, max_leaves=8)
triggers = st.builds(
    Trigger,
    kind=st.sampled_from(["event", "score", "becomes", "change", "segment", "date", "unchanged", "schedule"]),
    id=names,
    when=maybe,
    spec=inputs,
)
enrolls = st.builds(
    Enroll,
    triggers=st.lists(triggers, max_size=3).map(tuple),
    audience=maybe,
    suppress=st.lists(st.builds(Suppression, when=expressions), max_size=1).map(tuple),
    holdout=st.none() | inputs,
    limits=inputs,
    budget=inputs,
    launch=st.none() | inputs,
)
whole_exits = st.builds(
    Exit,
    name=names,
    when=maybe,
    event=st.none() | names,
    then=st.sampled_from(["undo", "keep", "undo_steps", "steps"]),
    undo=st.lists(names, max_size=2).map(tuple),
    steps=st.lists(steps, max_size=1).map(tuple),
)


def with_own_ids(plan: Plan) -> Plan:
    """The same plan, but each id used once, as in every compiled plan."""
    used = Counter[str]()

    def renamed(node: Tree) -> Tree:
        if isinstance(node, list):
            return [renamed(item) for item in node]
        if not isinstance(node, dict):
            return node
        own = {key: value if key in ("inputs", "values") else renamed(value) for key, value in node.items()}
        if "kind" in own and "id" in own and "line" in own:
            used[own["id"]] += 1
            own["id"] = f"{own['id']}_{used[own['id']]}"
        return own

    return Plan.model_validate(renamed(plan.model_dump(mode="json", by_alias=True)))


plans = st.builds(
    Plan,
    playbook=names,
    title=texts,
    owner=st.none() | texts,
    labels=st.lists(texts, max_size=2).map(tuple),
    inputs=st.lists(fields, max_size=2, unique_by=lambda field: field.name).map(tuple),
    enroll=st.none() | enrolls,
    exits=st.lists(whole_exits, max_size=2, unique_by=lambda leave: leave.name).map(tuple),
    goal=st.none() | st.builds(Goal, name=names, when=maybe, within=maybe, by=maybe),
    deadline=st.none() | st.builds(Deadline, after=expressions, escalate_to=owners),
    time=st.builds(TimeRules, calendar=maybe, quiet=st.none() | texts),
    retry=retries,
    steps=st.lists(steps, max_size=4).map(tuple),
    finally_=st.lists(steps, max_size=1).map(tuple),
).map(with_own_ids)
