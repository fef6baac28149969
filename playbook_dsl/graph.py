"""A playbook as a picture: Mermaid text for documents, nodes and edges for the pages.

Node ids are step ids (they are unique in a playbook), `:start`, `:end` and `:exit:<name>`; they stay the same while the ids in the file do.
"""

from dataclasses import dataclass
from typing import Literal

from playbook_dsl.catalog import Catalog
from playbook_dsl.explain.blocks import Block, blocks
from playbook_dsl.explain.sentences import sentence
from playbook_dsl.explain.words import cause_words, condition_words, duration_words
from playbook_dsl.plan import (
    ActionStep,
    AskStep,
    BranchStep,
    Exit,
    ForEachStep,
    ParallelStep,
    Plan,
    RepeatStep,
    SplitStep,
    StageStep,
    Step,
    StopRepeatStep,
    StopStep,
    WaitUntilStep,
)
from playbook_dsl.values import Json

MAX_LABEL = 90

EdgeKind = Literal["next", "choice", "side", "later", "body", "loop", "error", "exit", "stop"]


@dataclass(frozen=True)
class GraphNode:
    """A step or one of the fixed points; `kind` is the step's kind, or start, end, exit.

    `parent` is the step or exit it stands in, `block` the name of the block there.
    """

    id: str
    kind: str
    label: str
    action: str | None = None
    condition: str | None = None
    parent: str | None = None
    block: str | None = None
    line: int = 0


@dataclass(frozen=True)
class GraphEdge:
    """A way from one node to the next; `label` says when it is taken (empty: always)."""

    source: str
    target: str
    kind: EdgeKind
    label: str = ""


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of the file, edges in the order they are met."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    def to_json(self) -> Json:
        """Give the form the pages draw; empty fields are left out."""
        return {
            "nodes": [{key: value for key, value in vars(node).items() if value not in (None, "", 0)} for node in self.nodes],
            "edges": [{key: value for key, value in vars(edge).items() if value != ""} for edge in self.edges],
        }


@dataclass(frozen=True)
class _Port:
    """An open end: the way on from a node."""

    source: str
    kind: EdgeKind = "next"
    label: str = ""


class _Drawing:
    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.nodes: list[GraphNode] = []
        self.edges: list[GraphEdge] = []
        self.ending: list[_Port] = []
        self.leaving: list[list[_Port]] = []

    def chain(self, steps: tuple[Step, ...], ports: list[_Port], parent: str | None, block: str | None) -> list[_Port]:
        """Draw the steps one after the other from the open ends; give the open ends after the last."""
        for step in steps:
            self.node(step, parent, block)
            self.connect(ports, step.id)
            ports = self.inside(step)
        return ports

    def node(self, step: Step, parent: str | None, block: str | None) -> None:
        label = step.title or _short(sentence(step, self.catalog))
        condition = f"if {condition_words(step.when)}" if step.when else None
        action = step.action if isinstance(step, ActionStep) else None
        self.nodes.append(GraphNode(step.id, step.kind, label, action, condition, parent, block, step.line))

    def connect(self, ports: list[_Port], target: str) -> None:
        self.edges.extend(GraphEdge(port.source, target, port.kind, port.label) for port in ports)

    def inside(self, step: Step) -> list[_Port]:
        """Draw what is inside a step; give the ways on from it."""
        if isinstance(step, StopStep):
            self.ending.append(_Port(step.id, "stop", step.outcome))
            return []
        if isinstance(step, StopRepeatStep):
            (self.leaving[-1] if self.leaving else self.ending).append(_Port(step.id, "stop"))
            return []
        if isinstance(step, ForEachStep | RepeatStep):
            return self.loop(step)
        ports = _own_ways_on(step)
        for block in blocks(step):
            ports += self.block(step, block)
        return ports

    def block(self, step: Step, block: Block) -> list[_Port]:
        if not block.steps and (block.kind == "later" or block.name == "on_timeout"):
            return []
        kind: EdgeKind = {"choice": "choice", "side": "side", "later": "later"}.get(block.kind, "body")  # type: ignore[assignment]  # keys of the table
        return self.chain(block.steps, [_Port(step.id, "error" if block.name == "catch" else kind, block.label)], step.id, block.name)

    def loop(self, step: ForEachStep | RepeatStep) -> list[_Port]:
        """Draw the turns of a loop: the body leads back to the loop's own node."""
        self.leaving.append([])
        first = _Port(step.id, "body", "each" if isinstance(step, ForEachStep) else "each turn")
        self.connect([_Port(port.source, "loop", port.label) for port in self.chain(step.steps, [first], step.id, "steps")], step.id)
        ports = [_Port(step.id, "next", "done"), *self.leaving.pop()]
        for block in blocks(step):
            if block.name != "steps":
                ports += self.block(step, block)
        return ports

    def exit(self, leave: Exit) -> list[_Port]:
        name = f":exit:{leave.name}"
        self.nodes.append(GraphNode(name, "exit", leave.name))
        self.connect([_Port(":start", "exit", f"at any time: {cause_words(leave.event, leave.when)}")], name)
        return self.chain(leave.steps, [_Port(name)], name, "steps")


def _own_ways_on(step: Step) -> list[_Port]:
    """Give the ways on from the step's own node that lead through no block."""
    match step:
        case BranchStep():
            return [] if any(case.when is None for case in step.cases) else [_Port(step.id, "choice", "otherwise")]
        case ParallelStep():
            return [] if step.branches else [_Port(step.id)]
        case SplitStep():
            return [] if step.variants else [_Port(step.id)]
        case WaitUntilStep():
            ended = step.up_to and not step.on_timeout
            return [_Port(step.id, "later", f"after {duration_words(step.up_to)}")] if step.up_to and ended else []
        case AskStep(approval=True):
            return [_Port(step.id, "next", "approved" if step.on_reject else "answered")]
        case StageStep():
            return [] if step.steps else [_Port(step.id)]
    return [] if any(block.kind == "body" and block.steps for block in blocks(step)) else [_Port(step.id)]


def draw(plan: Plan, catalog: Catalog) -> Graph:
    """Give the playbook as nodes and edges: the steps, the exits that may happen at any time, and what is done at the end."""
    drawing = _Drawing(catalog)
    drawing.nodes.append(GraphNode(":start", "start", plan.title))
    ports = drawing.chain(plan.steps, [_Port(":start")], None, "steps")
    for leave in plan.exits:
        ports += drawing.exit(leave)
    ports = drawing.chain(plan.finally_, ports + drawing.ending, None, "finally")
    drawing.nodes.append(GraphNode(":end", "end", "End"))
    drawing.connect(ports, ":end")
    return Graph(tuple(drawing.nodes), tuple(drawing.edges))


def _short(text: str, most: int = MAX_LABEL) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


_SHAPES = {
    "start": ("([", "])"),
    "end": ("([", "])"),
    "exit": (">", "]"),
    "wait": ("{{", "}}"),
    "wait_until": ("{{", "}}"),
    "ask": ("[/", "/]"),
    "branch": ("{", "}"),
    "split": ("{", "}"),
    "parallel": ("[[", "]]"),
    "for_each": ("[[", "]]"),
    "repeat": ("[[", "]]"),
    "stage": ("[[", "]]"),
    "together": ("[[", "]]"),
    "lock": ("[[", "]]"),
    "play": ("[(", ")]"),
    "stop": ("(", ")"),
    "stop_repeat": ("(", ")"),
}
_ARROWS = {"exit": "-.->", "error": "-.->", "later": "-.->", "loop": "-.->"}
# Everything else of ASCII means something to Mermaid in one place or another.
_PLAIN = frozenset(" .,:()-_/'+=?!*")


def to_mermaid(graph: Graph) -> str:
    """Give the graph as a Mermaid flowchart; whatever stands in a label, it stays text."""
    names = {node.id: _mermaid_id(node.id) for node in graph.nodes}
    lines = ["flowchart TD"]
    for node in graph.nodes:
        before, after = _SHAPES.get(node.kind, ("[", "]"))
        label = _escaped(node.label) + (f"<br/>{_escaped(node.condition)}" if node.condition else "")
        lines.append(f'    {names[node.id]}{before}"{label}"{after}')
    for edge in graph.edges:
        label = f'|"{_escaped(edge.label)}"|' if edge.label else ""
        lines.append(f"    {names[edge.source]} {_ARROWS.get(edge.kind, '-->')}{label} {names[edge.target]}")
    return "\n".join(lines) + "\n"


def _mermaid_id(name: str) -> str:
    """Give an id that is none of Mermaid's words (`end`, `style`, `click`) and has only its letters."""
    return "".join(char if char.isascii() and char.isalnum() else f"_{ord(char):x}_" if char != "_" else "_" for char in f"n_{name}")


def _escaped(label: str) -> str:
    return "".join(_escaped_char(char) for char in _short(" ".join(label.split()))) or "#32;"


def _escaped_char(char: str) -> str:
    if char.isascii():
        return char if char.isalnum() or char in _PLAIN else f"#{ord(char)};"
    return char if char.isprintable() else " "
