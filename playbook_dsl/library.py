"""The texts around a playbook: message templates, `people.yaml`, `fields.yaml`, and other playbooks as far as starting them goes."""

import re
from collections.abc import Collection

from playbook_dsl.catalog import ParamDef, People, PlaybookRef, TemplateDef
from playbook_dsl.compose import compose, decode
from playbook_dsl.diagnostics import Diagnostic, Report
from playbook_dsl.nodes import Document, Mapping, Node, Scalar, Sequence
from playbook_dsl.parse.keys import Keys, Reader
from playbook_dsl.parse.playbook import parse
from playbook_dsl.resolve.scopes import field_type
from playbook_dsl.source import SourceText, Span
from playbook_dsl.syntax import FieldSpec, PlayBody
from playbook_dsl.walks import places

CHANNELS = ("email", "sms", "slack", "in_app")
TEMPLATE_SUFFIX = ".md.j2"
RESERVED = frozenset({"csm", "csm.manager", "owner", "champion", "primary_contact", "round_robin", "least_loaded", "all"})
_FENCE = "---"
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

Findings = tuple[Diagnostic, ...]


def read_template(source: bytes | str, name: str, path: str) -> tuple[TemplateDef | None, Findings]:
    """Read a message template: front matter between two lines of `---` with `channel` and `subject`, then the body.

    Args:
        source: the file.
        name: what playbooks call it: the file's name without `.md.j2`.
        path: how the file is called in the findings.
    """
    text, report = decode(source, path)
    parts = None if report.has_errors else _front_matter(text, report)
    if parts is None:
        return None, report.sorted()
    head, body, body_line = parts
    document = compose(SourceText(path, head), report)
    template = None if document is None else _template(document, report, name, path, body, body_line)
    findings = report.sorted()
    return (None if any(one.is_error for one in findings) else template), findings


def _front_matter(text: SourceText, report: Report) -> tuple[str, str, int] | None:
    """Cut a template into its front matter (with its first dashes, so that lines keep their numbers), its body, and the body's line."""
    lines = text.text.splitlines(keepends=True)
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
    if end is not None and lines[0].strip() == _FENCE:
        body = "".join(lines[end + 1 :])
        stripped = body.lstrip("\r\n")
        return "".join(lines[:end]), stripped, end + 2 + body[: len(body) - len(stripped)].count("\n")
    message = "a template starts with its front matter between two lines of ---"
    report.error("PB103", Span(text.path, 1, 1), message, hint="write ---, channel: email, subject: …, --- and then the body")
    return None


def _template(document: Document, report: Report, name: str, path: str, body: str, body_line: int) -> TemplateDef | None:
    reader = Reader(document, report)
    mapping = reader.mapping(document.root, "the front matter", "write channel: email and subject: … below each other")
    if mapping is None:
        return None
    keys = Keys(reader, mapping, "the front matter", ("channel", "subject"), required=("channel",))
    channel, subject = keys.choice("channel", *CHANNELS), keys.word("subject")
    if channel is not None and channel.text == "email" and subject is None and not keys.has("subject"):
        report.error("PB109", keys.span, 'the front matter of a mail needs the key "subject"')
    return TemplateDef(name, channel.text if channel else "email", subject.text if subject else "", body, path, body_line)


def read_people(source: bytes | str, path: str = "people.yaml") -> tuple[People, Findings]:
    """Read `people.yaml`: `roles`, `teams` and `people`, each a list of names or a map from names to what they mean."""
    text, report = decode(source, path)
    document = None if report.has_errors else compose(text, report)
    if document is None:
        return People(), report.sorted()
    reader = Reader(document, report)
    mapping = reader.mapping(document.root, "people.yaml", "write roles:, teams: or people: with names below")
    if mapping is None:
        return People(), report.sorted()
    keys = Keys(reader, mapping, "people.yaml", ("roles", "teams", "people"))
    found = {key: _names(keys, key) for key in ("roles", "teams", "people")}
    return People(found["roles"], found["teams"], found["people"]), report.sorted()


def _names(keys: Keys, key: str) -> frozenset[str]:
    node: Node | None = keys.node(key)
    if node is None:
        return frozenset()
    if not isinstance(node, Mapping | Sequence):
        keys.reader.wrong_shape(node, keys.label(key), "a list of names, or a map from names to what they mean")
        return frozenset()
    words = tuple(entry.key for entry in node.entries) if isinstance(node, Mapping) else keys.words(key)
    for word in words:
        if word.text in RESERVED or "(" in word.text or word.text.startswith("role:"):
            message = f'"{word.text}" has a meaning of its own in every playbook and cannot be declared'
            keys.reader.report.error("PB248", word.span, message, hint="give it another name")
    return frozenset(word.text for word in words) - RESERVED


def read_fields(source: bytes | str, legal: Collection[str], path: str = "fields.yaml") -> tuple[dict[str, str], Findings]:
    """Read `fields.yaml`: the fields an organisation has added to its accounts, each with the word for its type."""
    text, report = decode(source, path)
    document = None if report.has_errors else compose(text, report)
    reader = Reader(document, report) if document is not None else None
    mapping = reader.mapping(document.root, "fields.yaml", "write region: text") if reader and document else None
    found: dict[str, str] = {}
    for entry in mapping.entries if mapping else ():
        kind = entry.value.text if isinstance(entry.value, Scalar) else ""
        if _FIELD_NAME.fullmatch(entry.key.text) is None:
            report.error("PB247", entry.key.span, f'a field cannot be called "{entry.key.text}"', hint="small letters, figures and _")
        elif kind not in legal:
            hint = f"legal: {', '.join(legal)}"
            report.error("PB110", entry.value.span, f'the field "{entry.key.text}" takes the word for its type', hint=hint)
        else:
            found[entry.key.text] = kind
    return found, report.sorted()


def read_playbook_ref(source: bytes | str, path: str) -> PlaybookRef | None:
    """Give another playbook as far as one that starts it must know it; None for a file that is no playbook. Its mistakes are its own."""
    text, report = decode(source, path)
    document = None if report.has_errors else compose(text, report)
    playbook = parse(document, report) if document is not None else None
    if playbook is None or playbook.slug is None:
        return None
    bodies = (place.step.body for place in places(playbook))
    plays = tuple(dict.fromkeys(body.playbook.text for body in bodies if isinstance(body, PlayBody) and body.playbook))
    return PlaybookRef(playbook.slug.text, {field.name.text: _input(field) for field in playbook.inputs}, plays)


def _input(field: FieldSpec) -> ParamDef:
    required = field.default is None and (field.required is None or field.required.value is not False)
    return ParamDef(field_type(field).present(), required=required, help=field.help.text if field.help else "")
