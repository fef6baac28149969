"""What is in scope at one place of a play: results of steps that have run, values of `set`, names of loops."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from playbook_dsl.expressions.scope import Scope
from playbook_dsl.resolve.scopes import WHY_MISSING
from playbook_dsl.types import ANY, Type


@dataclass(frozen=True, eq=False)
class Env:
    """A place. `base` and `why` (the reasons for names that are not there) stay as they are; the others grow along the way.

    `lenient`: values that may be missing are let through. `outside`: the play has not begun, so there are no steps and values.
    """

    base: Mapping[str, Type]
    why: Mapping[str, str] = field(default_factory=lambda: WHY_MISSING)
    steps: Mapping[str, Type] = field(default_factory=dict)
    vars: Mapping[str, Type] = field(default_factory=dict)
    local: Mapping[str, Type] = field(default_factory=dict)
    lenient: bool = False
    outside: bool = False
    _scope: list[Scope] = field(default_factory=list)

    @property
    def scope(self) -> Scope:
        """Give the scope for the expression front end. `steps` and `vars` are open: unknown names in them are told by our own check."""
        if not self._scope:
            steps, values = Type("record", fields=self.steps, open=True), Type("record", fields=self.vars, open=True)
            inside = {} if self.outside else {"steps": steps, "vars": values}
            self._scope.append(Scope({**self.base, **inside, **self.local}, why_missing=self.why))
        return self._scope[0]

    def _new(
        self, steps: Mapping[str, Type] | None = None, vars_: Mapping[str, Type] | None = None, local: Mapping[str, Type] | None = None
    ) -> "Env":
        return Env(
            self.base,
            self.why,
            self.steps if steps is None else steps,
            self.vars if vars_ is None else vars_,
            self.local if local is None else local,
            self.lenient,
            self.outside,
        )

    def with_step(self, step_id: str, result: Type) -> "Env":
        """Give the scope behind a step."""
        return self._new(steps={**self.steps, step_id: result})

    def with_vars(self, values: Mapping[str, Type]) -> "Env":
        """Give the scope behind a `set`."""
        return self._new(vars_={**self.vars, **values})

    def with_local(self, names: Mapping[str, Type]) -> "Env":
        """Give the scope inside a loop, a `catch` or an alternative."""
        return self._new(local={**self.local, **names})

    def unsure(self) -> "Env":
        """Give the scope in which every result and every value may be missing: an exit, `finally`."""
        maybe = {name: kind.maybe() for name, kind in self.steps.items()}
        return self._new(maybe, {name: kind.maybe() for name, kind in self.vars.items()})

    def behind(self, blocks: "Iterable[Env]", *, sure: bool = False) -> "Env":
        """Give the scope behind blocks that started from this one. What they added may be missing unless they have surely run."""
        steps, values = dict(self.steps), dict(self.vars)
        for block in blocks:
            for name in sorted(block.steps.keys() - self.steps.keys()):
                steps[name] = block.steps[name] if sure else block.steps[name].maybe()
            for name, kind in block.vars.items() if block.vars is not self.vars else ():
                before = self.vars.get(name)
                if before is not kind:
                    same = kind if before is None or before.kind == kind.kind else ANY
                    values[name] = same if sure or (before is not None and not before.optional) else same.maybe()
        if len(steps) == len(self.steps) and values == self.vars:
            return self
        return self._new(steps, values)
