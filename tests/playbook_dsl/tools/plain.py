from __future__ import annotations

from playbook_dsl.compose import compose, decode
from playbook_dsl.nodes import Mapping, Node, Scalar


def plain(text: str, path: str = "case.yaml") -> object:
    """The file as an editor's YAML 1.2 reader gives it to a JSON Schema validator."""
    source, report = decode(text, path)
    document = compose(source, report)
    assert document is not None, report.sorted()
    return _plain(document.root)


def _plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {entry.key.text: _plain(entry.value) for entry in node.entries}
    return [_plain(item) for item in node.items]
