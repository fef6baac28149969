"""What each kind of step leaves behind as `steps.<id>`."""

from playbook_dsl.catalog import Catalog
from playbook_dsl.resolve.scopes import ANYTHING, event_type, fields_record
from playbook_dsl.syntax import (
    ActionBody,
    AskBody,
    BranchBody,
    BrokenBody,
    ForEachBody,
    ParallelBody,
    PlayBody,
    RepeatBody,
    SplitBody,
    StageBody,
    Step,
    WaitBody,
    WaitUntilBody,
)
from playbook_dsl.types import BOOL, NUMBER, TEXT, Type, list_of, one_of, record


def output_of(step: Step, catalog: Catalog) -> Type:
    """Give the record a step leaves; loops are told by the walk, which knows what is inside them."""
    body = step.body
    match body:
        case ActionBody():
            found = catalog.actions.get(body.action.text)
            return record(dict(found.outputs)) if found else ANYTHING
        case WaitUntilBody():
            return _wait_until(body, catalog)
        case AskBody():
            return record({"approved": BOOL, "by": TEXT.maybe(), "comment": TEXT.maybe()}) if body.approval else _ask(body)
        case BranchBody():
            names = one_of(*(case.name.text for case in body.cases))
            return record({"case": names if body.has_else else names.maybe()})
        case BrokenBody():
            return ANYTHING
    return _OF_BLOCKS.get(type(body), record({})) if not isinstance(body, ParallelBody | SplitBody) else _of_choice(body)


_OF_BLOCKS = {
    WaitBody: record({"past": BOOL.maybe()}),
    StageBody: record({"left": TEXT}),
    PlayBody: record({"play": TEXT, "outcome": TEXT.maybe()}),
}


def _of_choice(body: ParallelBody | SplitBody) -> Type:
    if isinstance(body, ParallelBody):
        return record({"finished": list_of(one_of(*(branch.name.text for branch in body.branches)))})
    return record({"variant": one_of(*(variant.name.text for variant in body.variants))})


def _ask(body: AskBody) -> Type:
    answers = fields_record(body.form)
    if body.up_to is not None:
        answers = record({name: kind.maybe() for name, kind in answers.fields.items()})
    return record({"answers": answers, "by": TEXT.maybe()})


def _wait_until(body: WaitUntilBody, catalog: Catalog) -> Type:
    names = tuple(alternative.name.text for alternative in body.alternatives) if body.join == "any" else ("all",)
    events = [event_type(catalog, alternative.event.text) for alternative in body.alternatives if alternative.event]
    fields: dict[str, Type] = {}
    for event in events:
        fields.update({name: kind.maybe() for name, kind in event.fields.items()})
    came = one_of(*names)
    return record({"came": came.maybe() if body.up_to else came, "event": record(fields, open=any(event.open for event in events)).maybe()})


def for_each_output(body: ForEachBody, item: Type, inner: dict[str, Type]) -> Type:
    """Give what a `for_each` leaves: one record an item, with the results of the steps directly inside."""
    direct = {step.name: inner[step.name].maybe() for step in body.steps if step.name in inner}
    counted = {name.text: BOOL for name, _ in body.counts}
    items = record({"item": item, "steps": record(direct), "counted": record(counted)})
    return record({"items": list_of(items), "counts": record({name: NUMBER for name in counted}), "total": NUMBER})


def repeat_output(body: RepeatBody, inner: dict[str, Type]) -> Type:
    """Give what a `repeat` leaves: how many turns, whether they ran out, and the last turn's results by step."""
    direct = {step.name: inner[step.name].maybe() for step in body.steps if step.name in inner}
    return record({**direct, "turn": NUMBER, "exhausted": BOOL})
