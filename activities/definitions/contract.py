"""What an action promises: its inputs and result, its effect class, how it is taken back, and what makes it happen once."""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from activities.contracts import JsonTree
from playbook_dsl.catalog import ActionDef, EffectClass, ParamDef, ParamKind
from playbook_dsl.plan import Retry
from playbook_dsl.types import ANY, BOOL, DATE, DATETIME, DURATION, MONEY, NUMBER, TEXT, Type, list_of, one_of, record


@dataclass(frozen=True)
class Written:
    """How an input is written, where it is not a plain value, and the type its values must have where the field cannot say it."""

    kind: ParamKind = "value"
    type: Type | None = None


class ActionInput(BaseModel):
    """Inputs of an action as they arrive: values in the JSON form of `playbook_dsl.values`. An unknown one is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ActionOutput(BaseModel):
    """What steps read as `steps.<id>.<field>`."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


Owner = Annotated[JsonTree, Written("owner")]
Recipient = Annotated[JsonTree, Written("recipient")]
Due = Annotated[JsonTree, Written("due")]
Form = Annotated[list[dict[str, JsonTree]], Written("form")]
AnyValue = Annotated[JsonTree, Written("value")]
Amount = Annotated[JsonTree, Written("value", MONEY)]
Span = Annotated[JsonTree, Written("value", DURATION)]


@dataclass(frozen=True)
class ActionContract:
    """One action.

    `policy` decides what a second attempt does when the first one's outcome is unknown and the vendor can neither deduplicate nor be
    asked: `at_most_once` leaves it at that, `at_least_once` does it again. `internal` effects change our own tables in the same
    transaction as the ledger, so the question does not arise for them.
    """

    name: str
    title: str
    effect: EffectClass
    inputs: type[ActionInput]
    outputs: type[ActionOutput]
    undo: str | None = None
    sends: str | None = None
    live: bool = False
    can_wait: bool = False
    policy: Literal["at_most_once", "at_least_once"] = "at_most_once"
    internal: bool = True
    timeout_s: float = 30.0
    retry: Retry | None = None
    help: str = ""
    sensitive: frozenset[str] = frozenset()

    def definition(self) -> ActionDef:
        """Give the action as authors see it."""
        return ActionDef(
            name=self.name,
            title=self.title,
            effect=self.effect,
            inputs={name_of(name, field): _param(field) for name, field in self.inputs.model_fields.items()},
            outputs={name_of(name, field): _type_of_output(field) for name, field in self.outputs.model_fields.items()},
            undo=self.undo,
            sends=self.sends,
            live=self.live,
            can_wait=self.can_wait,
            timeout_s=self.timeout_s,
            retry=self.retry,
            help=self.help,
            sensitive=self.sensitive,
        )


def name_of(name: str, field: FieldInfo) -> str:
    """Give the name authors write: the alias where the Python name had to differ (`from_`)."""
    return field.alias or name


def _param(field: FieldInfo) -> ParamDef:
    written = next((mark for mark in field.metadata if isinstance(mark, Written)), Written())
    bounds = {type(mark).__name__: mark for mark in field.metadata}
    minimum, maximum = bounds.get("Ge"), bounds.get("Le")
    value_type = written.type
    if value_type is None and written.kind == "value":
        value_type = type_of(field.annotation)
    return ParamDef(
        type=None if value_type is None or value_type.kind == "any" else value_type.present(),
        kind=written.kind,
        required=field.is_required(),
        default=None if field.is_required() else field.get_default(call_default_factory=True, validated_data={}),
        help=field.description or "",
        minimum=getattr(minimum, "ge", None),
        maximum=getattr(maximum, "le", None),
    )


def _type_of_output(field: FieldInfo) -> Type:
    marked = next((mark.type for mark in field.metadata if isinstance(mark, Written) and mark.type), None)
    return marked or type_of(field.annotation)


_PLAIN: Mapping[object, Type] = {str: TEXT, int: NUMBER, float: NUMBER, bool: BOOL, datetime: DATETIME, date: DATE}


def type_of(annotation: object) -> Type:
    """Give the language's type of a Python annotation; anything it has no word for is `any`."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        mark = next((mark for mark in arguments[1:] if isinstance(mark, Written) and mark.type), None)
        return mark.type if mark and mark.type else type_of(arguments[0])
    if origin in (Union, types.UnionType):
        present = [argument for argument in arguments if argument is not type(None)]
        return type_of(present[0]).maybe() if len(present) == 1 else ANY.maybe()
    if origin is Literal:
        return one_of(*arguments)
    if origin in (list, tuple):
        return list_of(type_of(arguments[0]))
    if origin is dict:
        return record({}, open=True)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return record({name_of(name, field): type_of(field.annotation) for name, field in annotation.model_fields.items()})
    return ANY


def described(text: str) -> FieldInfo:
    """Give a required field with a help text."""
    field: FieldInfo = Field(description=text)
    return field
