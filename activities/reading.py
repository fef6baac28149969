"""Inputs as they arrive, turned into what actions work with, and results into what goes back."""

from datetime import UTC, date, datetime, time
from typing import TypeVar, cast

from pydantic import ValidationError

from activities.contracts import ActionCall, JsonTree
from activities.definitions.contract import ActionInput, ActionOutput
from activities.failures import BadInput
from playbook_dsl.expressions.template import print_value
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.durations import add, parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.values import Duration, Json, Value, from_json, to_json

Model = TypeVar("Model", bound=ActionInput)


def read_inputs(model: type[Model], call: ActionCall) -> Model:
    """Check a call's inputs against the action's contract.

    Raises:
        BadInput: one is missing, unknown, of the wrong type or out of range; the message names all of them.
    """
    try:
        return model.model_validate({name: _as_text(model, name, tree) for name, tree in call.inputs.items() if tree is not None})
    except ValidationError as error:
        problems = "; ".join(
            f'"{".".join(map(str, one["loc"]))}": {one["msg"]}' for one in error.errors(include_input=False, include_url=False)
        )
        raise BadInput(f'step "{call.key}" cannot be performed: {problems}') from error


def _as_text(model: type[ActionInput], name: str, tree: JsonTree) -> JsonTree:
    """Give text where the action wants text and the play has a number, a date or an amount."""
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    wants_text = name in fields and fields[name].annotation in (str, str | None)
    return print_value(from_json(tree), {}) if wants_text and not isinstance(tree, str) else tree


def text_from(tree: JsonTree) -> str:
    """Give a text for people: a list becomes lines."""
    if isinstance(tree, list):
        return "\n".join(f"- {print_value(from_json(item), {})}" for item in tree)
    return print_value(from_json(tree), {})


def read_due(due: JsonTree, calendar: BusinessCalendar) -> datetime | None:
    """Give when something is due, aware UTC: after a duration from now, or at a moment; a date means the end of its working day.

    Raises:
        BadInput: it is neither.
    """
    try:
        value = from_json(cast(Json, due))
        if isinstance(value, str):
            value = parse_duration(value)
        return _due(value, calendar)
    except (TimingError, ValueError) as error:
        raise BadInput(f'"due": {error}') from error


def read_moment(given: JsonTree, name: str) -> datetime:
    """Give a moment, aware UTC.

    Raises:
        BadInput: it is none; `name` is the input's.
    """
    try:
        value = from_json(cast(Json, given))
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime):
        raise BadInput(f'"{name}" is no moment: write one such as {{{{ steps.slot.start }}}} or "2030-03-04T10:00:00+01:00"')
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _due(value: Value, calendar: BusinessCalendar) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, date):
        closes = calendar.closes if calendar.closes != "24:00" else "23:59"
        at = time.fromisoformat(closes)
        return datetime.combine(value, at, calendar.tz).astimezone(UTC)
    if isinstance(value, Duration):
        return add(datetime.now(UTC), value, calendar)
    raise BadInput(f'"due" is a duration such as 3 business days or a date, not {print_value(value, {})}')


def output_of(model: ActionOutput) -> dict[str, JsonTree]:
    """Give a result in the JSON form of values."""
    return {name: to_json(value) for name, value in model.model_dump(by_alias=True).items()}
