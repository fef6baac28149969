"""YAML that no person would write, from hypothesis: trees of language words, and raw text."""

from __future__ import annotations

from collections.abc import Callable

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.corpus import words


def _trees() -> st.SearchStrategy[object]:
    known = st.sampled_from(words())
    leaves = known | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    tree = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(known, inner, max_size=5), max_leaves=25)
    steps = st.lists(st.fixed_dictionaries({"id": known}, optional={"if": known}) | st.dictionaries(known, tree, max_size=3), max_size=4)
    return st.fixed_dictionaries(
        {"playbook": known, "steps": steps | tree}, optional={"enroll": tree, "exit": tree, "inputs": tree, "time": tree}
    )


def _files() -> st.SearchStrategy[bytes]:
    written = _trees().map(lambda tree: yaml.safe_dump(tree, allow_unicode=True, sort_keys=False).encode("utf-8", "replace"))
    return written | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")) | st.binary(max_size=200)


def each_generated(number: int, start: int, use: Callable[[bytes], None]) -> None:
    """Call `use` with `number` generated files."""

    @seed(start)
    @settings(max_examples=number, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(_files())
    def run(data: bytes) -> None:
        use(data)

    run()
