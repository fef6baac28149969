"""Message templates: what they read is there when their step sends."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import jinja2
from jinja2 import nodes

from playbook_dsl.catalog import Catalog, TemplateDef
from playbook_dsl.diagnostics import Report, listed, nearest
from playbook_dsl.nodes import Scalar
from playbook_dsl.parse.keys import short
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.syntax import ActionBody, Step
from playbook_dsl.templates import ENVIRONMENT, MESSAGE_NAMES
from playbook_dsl.types import ANY, Type

_ASKING_FILTERS = frozenset({"default", "d"})
_ASKING_TESTS = frozenset({"defined", "undefined", "none"})
_FOREIGN = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block)


def check_messages(found: Resolution, report: Report) -> None:
    """PB255, PB256, PB257 (warning): a template is sound, and reads only what its step may read and what is surely there."""
    for place in found.places:
        env = found.env_before.get(id(place.step))
        if env is None:
            continue
        # Open for the expressions, whose unknown names have a check of their own.
        closed = {root: replace(kind, open=False) for root, kind in env.scope.names.items() if root in ("inputs", "steps", "vars")}
        names = {**env.scope.names, **closed, **MESSAGE_NAMES, "now": ANY, "today": ANY}
        for word in _templates_of(found.catalog, place.step):
            template = found.catalog.templates.get(word.text)
            for problem in problems_of(template, names) if template else ():
                add = report.warning if problem.code == "PB257" else report.error
                message = f'the template "{short(word.text)}" {problem.where}: {problem.message}'
                add(problem.code, word.span, message, hint=problem.hint)


def _templates_of(catalog: Catalog, step: Step) -> Iterator[Scalar]:
    if not isinstance(step.body, ActionBody):
        return
    action = catalog.actions.get(step.body.action.text)
    for entry in step.body.inputs.entries:
        param = action.inputs.get(entry.key.text) if action else None
        if param is not None and param.kind == "template" and isinstance(entry.value, Scalar):
            yield entry.value


@dataclass(frozen=True)
class TemplateProblem:
    """One thing wrong with a template; `where` names the line, `line` is that of the file, 0 when it is not known."""

    code: str
    where: str
    message: str
    hint: str | None = None
    line: int = 0


def problems_of(template: TemplateDef, names: Mapping[str, Type]) -> Iterator[TemplateProblem]:
    """Give what is wrong with a template in whose scope these names stand."""
    for part, source in (("subject", template.subject), ("body", template.body)):
        parsed = _parsed(source)
        if isinstance(parsed, nodes.Template):
            first = template.body_line if part == "body" else 0
            reader = _Reader(part, first)
            reader.read(parsed, dict(names), frozenset())
            yield from reader.found
        else:
            line, message = parsed
            first = template.body_line if part == "body" else 0
            yield TemplateProblem("PB256", _where(part, first, line), message, line=first + line - 1 if first else 0)


@lru_cache(maxsize=512)
def _parsed(source: str) -> nodes.Template | tuple[int, str]:
    """Give the tree of a Jinja2 source, or the line and what is wrong there."""
    try:
        tree = ENVIRONMENT.parse(source)
        ENVIRONMENT.compile(source)  # only the compiler knows which filters and tests there are
    except jinja2.TemplateSyntaxError as error:
        return error.lineno, f"this is not Jinja2: {error.message}"
    except RecursionError:
        return 1, "it is nested too deeply"
    return tree


def _where(part: str, first: int, line: int) -> str:
    return f"(line {first + line - 1})" if first else f"({part})" if part == "subject" else f"(line {line} of its body)"


class _Reader:
    """Walks the tree of a template with the names that hold at each place."""

    def __init__(self, part: str, first: int) -> None:
        """`first` is the line of the file in which the part begins, 0 when that is not known."""
        self.found: list[TemplateProblem] = []
        self._part = part
        self._first = first

    def read(self, node: nodes.Node, names: dict[str, Type], sure: frozenset[str], *, asked: bool = False) -> None:
        """Look at a node. `sure` are paths that an `if` around it has asked for; `asked`: a missing value does no harm here."""
        if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem) and (path := _path(node)) is not None:
            self._chain(node, path, names, sure, asked)
        elif isinstance(node, nodes.If | nodes.CondExpr):
            self._choice(node, names, sure)
        elif isinstance(node, nodes.For):
            self._loop(node, names, sure)
        elif isinstance(node, nodes.Assign | nodes.AssignBlock):
            self._children(node, names, sure)
            names.update(dict.fromkeys(_bound(node.target), ANY))
        elif isinstance(node, nodes.Macro | nodes.CallBlock):
            inner = {**names, **{argument.name: ANY for argument in node.args}, "caller": ANY, "varargs": ANY, "kwargs": ANY}
            names.update({node.name: ANY} if isinstance(node, nodes.Macro) else {})
            self._children(node, inner, sure)
        elif isinstance(node, _FOREIGN):
            self._say("PB256", node, "a template stands alone: it cannot include, import or extend another one")
        else:
            asks = (isinstance(node, nodes.Filter) and node.name in _ASKING_FILTERS) or (
                isinstance(node, nodes.Test) and node.name in _ASKING_TESTS
            )
            self._children(node, names, sure, asked=asked or asks or isinstance(node, nodes.Or | nodes.Not))

    def _children(self, node: nodes.Node, names: dict[str, Type], sure: frozenset[str], *, asked: bool = False) -> None:
        for child in node.iter_child_nodes(exclude=("target", "args") if isinstance(node, nodes.Macro | nodes.CallBlock) else ("target",)):
            self.read(child, names, sure, asked=asked)

    def _choice(self, node: nodes.If | nodes.CondExpr, names: dict[str, Type], sure: frozenset[str]) -> None:
        self.read(node.test, names, sure, asked=True)
        inside = sure | {path for chain in _chains(node.test) if (path := _path(chain))}
        if isinstance(node, nodes.CondExpr):
            self.read(node.expr1, names, inside)
            if node.expr2 is not None:
                self.read(node.expr2, names, sure)
            return
        for child in node.body:
            self.read(child, names, inside)
        for child in (*node.elif_, *node.else_):
            self.read(child, names, sure)

    def _loop(self, node: nodes.For, names: dict[str, Type], sure: frozenset[str]) -> None:
        self.read(node.iter, names, sure)
        path = _path(node.iter) if isinstance(node.iter, nodes.Name | nodes.Getattr | nodes.Getitem) else None
        kind = _type_at(path, names) if path else None
        inner = {**names, "loop": ANY, **dict.fromkeys(_bound(node.target), ANY)}
        if isinstance(node.target, nodes.Name) and kind is not None and kind.item is not None:
            inner[node.target.name] = kind.item
        for child in (*([node.test] if node.test else []), *node.body):
            self.read(child, inner, sure)
        for child in node.else_:
            self.read(child, names, sure)

    def _chain(self, node: nodes.Node, path: str, names: dict[str, Type], sure: frozenset[str], asked: bool) -> None:
        root, *rest = path.split(".")
        kind = names.get(root)
        if root == "range" and not rest:
            return
        if kind is None:
            near = nearest(root, names)
            self._say("PB255", node, f'there is no "{short(root)}"', f'did you mean "{near}"?' if near else f"there is: {listed(names)}")
            return
        optional, before = kind.optional, root
        for name in rest:
            if kind.kind != "record" or (name not in kind.fields and kind.open):
                return
            if name not in kind.fields:
                near = nearest(name, kind.fields)
                hint = f'did you mean "{near}"?' if near else f'"{before}" has: {listed(kind.fields)}'
                self._say("PB255", node, f'"{before}" has no field "{short(name)}"', hint)
                return
            kind, before = kind.fields[name], f"{before}.{name}"
            optional = optional or kind.optional
        if optional and not asked and path not in sure:
            hint = f'say what to write instead: {{{{ {path} | default("…") }}}}, or ask first: {{% if {path} %}}'
            self._say("PB257", node, f'"{path}" may be missing, and then the message cannot be written', hint)

    def _say(self, code: str, node: nodes.Node, message: str, hint: str | None = None) -> None:
        line = self._first + node.lineno - 1 if self._first else 0
        self.found.append(TemplateProblem(code, _where(self._part, self._first, node.lineno), message, hint, line))


def _path(node: nodes.Node) -> str | None:
    """Give `a.b.c` of a chain of fields that starts at a name."""
    if isinstance(node, nodes.Name):
        return node.name if node.ctx == "load" else None
    if isinstance(node, nodes.Getattr):
        below = _path(node.node)
        return f"{below}.{node.attr}" if below else None
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        below = _path(node.node)
        return f"{below}.{node.arg.value}" if below else None
    return None


def _chains(node: nodes.Node) -> Iterator[nodes.Node]:
    """Give the chains of fields that a condition asks for."""
    if _path(node) is not None:
        yield node
        return
    for child in node.iter_child_nodes():
        yield from _chains(child)


def _type_at(path: str, names: Mapping[str, Type]) -> Type | None:
    root, *rest = path.split(".")
    kind = names.get(root)
    for name in rest:
        kind = kind.fields.get(name) if kind else None
    return kind


def _bound(target: nodes.Node) -> Iterator[str]:
    """Give the names an assignment or a loop binds."""
    if isinstance(target, nodes.Name):
        yield target.name
    for child in target.iter_child_nodes():
        yield from _bound(child)
