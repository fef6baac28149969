"""Lists of steps, and what every step has: the parsers of the verbs are handed in, so that blocks can hold steps again."""

from collections.abc import Callable
from collections.abc import Mapping as Map

from playbook_dsl.diagnostics import Report, quoted_words
from playbook_dsl.nodes import Document, Entry, Mapping, Node, Scalar, Sequence
from playbook_dsl.parse.keys import Keys, Reader, short
from playbook_dsl.parse.policies import on_error, retry, review, undo, urgent
from playbook_dsl.syntax import Body, BrokenBody, Step, TogetherBody

COMMON_KEYS = ("id", "title", "if", "retry", "timeout", "on_error", "undo", "note", "review", "urgent")

VerbParser = Callable[["Parser", Node, Scalar], Body]


class Parser(Reader):
    """Reads steps; `verbs` are the control verbs by name, `action` reads every verb with a dot."""

    def __init__(
        self, document: Document, report: Report, verbs: Map[str, VerbParser], action: VerbParser, actions: tuple[str, ...] = ()
    ) -> None:
        super().__init__(document, report)
        self.actions = actions
        self.verbs = verbs
        self.action = action
        self._steps_read = 0

    def steps(self, node: Node, what: str) -> tuple[Step, ...]:
        """Give the steps of a list; whatever is no step is reported and left out."""
        if not isinstance(node, Sequence):
            hint = self._as_list(node) if isinstance(node, Mapping) else "write [] for no steps"
            self.wrong_shape(node, what, "a list of steps", hint)
            return ()
        return tuple(self.step(item) for item in node.items if self._is_step(item))

    def _as_list(self, node: Mapping) -> str:
        first = node.entries[0].key.text if node.entries else "…"
        if first in COMMON_KEYS or first in self.verbs or "." in first:
            return "put a dash before each step"
        return f"a step's name is its id: write `- id: {short(first)}` and its verb below"

    def steps_at(self, keys: Keys, key: str) -> tuple[Step, ...]:
        """Give the steps under a key."""
        node = keys.node(key)
        return () if node is None else self.steps(node, keys.label(key))

    def _is_step(self, node: Node) -> bool:
        if isinstance(node, Mapping):
            return True
        hint = "write it as `- id: …` with a verb below"
        if isinstance(node, Scalar) and node.text in self.verbs:
            hint = f"write {node.text}: {{}}"
        self.wrong_shape(node, "a step", "a map with one verb", hint)
        return False

    def step(self, node: Node) -> Step:
        """Read one step."""
        mapping = node if isinstance(node, Mapping) else Mapping(node.span)
        self._steps_read += 1
        verb = self._verb(mapping)
        self._unknown_keys(mapping, verb)
        keys = Keys(self, mapping, "the step", [entry.key.text for entry in mapping.entries])
        step = Step(mapping.span, verb.key if verb else None, BrokenBody(), made_id=f"step_{self._steps_read}")
        self._common(step, keys)
        if verb is not None:
            read = self.verbs.get(verb.key.text, self.action)
            step.body = read(self, verb.value, verb.key)
        if isinstance(step.body, TogetherBody) and step.body.is_tasks:
            for number, task in enumerate(step.body.steps, 1):
                task.made_id = f"{step.name}_{number}"
        return step

    def _verb(self, mapping: Mapping) -> Entry | None:
        found = [
            entry
            for entry in mapping.entries
            if entry.key.text in self.verbs or ("." in entry.key.text and entry.key.text not in COMMON_KEYS)
        ]
        if len(found) > 1:
            names = quoted_words([entry.key.text for entry in found]).replace(" or ", " and ")
            self.report.error("PB112", found[1].key.span, f"a step has one verb; this one has {names}", hint="make a step of each")
        if not found and not any(self._is_unknown(entry) for entry in mapping.entries):
            hint = "add what it does, such as `wait: 3 days`, or an action such as `task.create`"
            self.report.error("PB112", mapping.span, "this step has no verb", hint=hint)
        return found[0] if found else None

    def _is_unknown(self, entry: Entry) -> bool:
        return entry.key.text not in COMMON_KEYS and entry.key.text not in self.verbs and "." not in entry.key.text

    def _unknown_keys(self, mapping: Mapping, verb: Entry | None) -> None:
        legal = COMMON_KEYS if verb is not None else (*COMMON_KEYS, *self.verbs)
        for entry in mapping.entries:
            if not self._is_unknown(entry):
                continue
            if verb is not None and isinstance(verb.value, Mapping | Sequence) and entry.key.text not in self.verbs:
                self._misplaced(entry, verb, legal)
            else:
                self._no_such_verb(entry, legal) if verb is None else self.no_such_key(entry, legal, "a step")

    def _no_such_verb(self, entry: Entry, legal: tuple[str, ...]) -> None:
        near = self.report.nearest(entry.key.text, (*legal, *self.actions))
        if near in self.actions:
            self.report.error("PB108", entry.key.span, f'a step has no key "{short(entry.key.text)}"', hint=f'did you mean "{near}"?')
        else:
            self.no_such_key(entry, legal, "a step")

    def _misplaced(self, entry: Entry, verb: Entry, legal: tuple[str, ...]) -> None:
        if entry.key.text in ("if_nobody", "up_to", "on_timeout", "on_reject", "wait", "overdue", "steps", "then", "with", "by", "to"):
            message = f'"{entry.key.text}" belongs to the verb, not to the step'
            self.report.error("PB108", entry.key.span, message, hint=f'indent it so that it stands inside "{short(verb.key.text)}"')
        else:
            self.no_such_key(entry, legal, "a step")

    def _common(self, step: Step, keys: Keys) -> None:
        step.id = keys.word("id")
        if step.id is None and not keys.has("id"):
            self.report.error(
                "PB109",
                step.place,
                "this step has no id",
                hint=f"add `id: {_id_for(step)}`; undo, upgrades and analytics know the step by it",
            )
        step.title = keys.word("title")
        step.note = keys.word("note")
        step.when = keys.condition()
        step.timeout = keys.word("timeout")
        step.on_error = keys.read("on_error", lambda node, what: on_error(self, node, what), None)
        step.undo = keys.read("undo", lambda node, what: undo(self, node, what), None)
        step.retry = keys.read("retry", lambda node, what: retry(self, node, what), None)
        step.review = keys.read("review", lambda node, what: review(self, node, what), None)
        step.urgent = keys.read("urgent", lambda node, what: urgent(self, node, what), None)


def _id_for(step: Step) -> str:
    verb = step.verb.text if step.verb else "step"
    return verb.rpartition(".")[2].lower().replace("-", "_") or "step"
