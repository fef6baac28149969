"""Reads a `.test.yaml` file, with the same composer and the same messages as a playbook."""

from dataclasses import fields, replace

from playbook_dsl.compose import compose, decode
from playbook_dsl.diagnostics import Report, listed
from playbook_dsl.nodes import Mapping, Node, Scalar, Sequence
from playbook_dsl.parse.keys import Keys, Reader
from simulation.testing.cases import Case, Effect, Expected, Given, Happening, TestFile

DEEDS = ("event", "facts", "complete", "cancel_task", "answer", "approve", "reject", "tell")
TELLS = ("pause", "resume", "cancel", "undo", "skip", "retry")
_HAPPENING_KEYS = ("at", "with", "by", "comment", "undo", "outcome", "step", *DEEDS)


def read_tests(source: bytes | str, path: str) -> tuple[TestFile, Report]:
    """Give the tests of a file, and what is wrong with it."""
    text, report = decode(source, path)
    document = compose(text, report) if not report.has_errors else None
    if document is None:
        return TestFile(None), report
    reader = Reader(document, report)
    root = reader.mapping(document.root, "a test file", "start with `tests:` and a list of tests below it")
    if root is None:
        return TestFile(None), report
    keys = Keys(reader, root, "a test file", ("playbook", "given", "mock", "tests"), required=("tests",))
    shared = _given(keys)
    mocks = keys.mapping_at("mock")
    nodes = reader.items(tests, '"tests"') if (tests := keys.node("tests")) is not None else []
    cases = [case for node in nodes if (case := _case(reader, node, shared, mocks)) is not None]
    return TestFile(keys.word("playbook"), tuple(cases)), report


def _case(reader: Reader, node: Node, shared: Given, shared_mocks: Mapping | None) -> Case | None:
    mapping = reader.mapping(node, "a test", "write - test: what it shows, and given, happens and expect below it")
    if mapping is None:
        return None
    keys = Keys(reader, mapping, "a test", ("test", "given", "mock", "mock_undo", "happens", "expect"), required=("test", "expect"))
    name = keys.word("test")
    expected = _expected(keys)
    if name is None or expected is None:
        return None
    return Case(
        name=name,
        given=_laid_over(shared, _given(keys)),
        mocks=_merged(shared_mocks, keys.mapping_at("mock")),
        undo_mocks=keys.mapping_at("mock_undo"),
        happens=keys.read("happens", lambda found, what: _happenings(reader, found, what), ()),
        expected=expected,
    )


def _given(keys: Keys) -> Given:
    mapping = keys.mapping_at("given")
    if mapping is None:
        return Given()
    legal = tuple(field.name for field in fields(Given))
    own = Keys(keys.reader, mapping, '"given"', legal)
    return Given(
        clock=own.word("clock"),
        account=own.mapping_at("account"),
        facts=own.mapping_at("facts"),
        inputs=own.mapping_at("inputs"),
        event=own.mapping_at("event"),
        plays=own.words("plays"),
        open_tasks=own.whole("open_tasks"),
        closed=own.words("closed"),
        variants=own.mapping_at("variants"),
    )


def _laid_over(below: Given, above: Given) -> Given:
    """Give what a test's own `given` makes of the file's: maps are merged key by key, all else is replaced."""
    changes: dict[str, object] = {}
    for field in fields(Given):
        old, new = getattr(below, field.name), getattr(above, field.name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changes[field.name] = _merged(old, new)
        elif new:
            changes[field.name] = new
    return replace(below, **changes)  # type: ignore[arg-type]  # each value comes from a field of its name


def _merged(below: Mapping | None, above: Mapping | None) -> Mapping | None:
    if below is None or above is None:
        return above or below
    own = {entry.key.text for entry in above.entries}
    return Mapping(above.span, [*(entry for entry in below.entries if entry.key.text not in own), *above.entries])


def _happenings(reader: Reader, node: Node, what: str) -> tuple[Happening, ...]:
    found = []
    for item in reader.items(node, what):
        mapping = reader.mapping(item, "what happens", "write - {at: day 3, event: email.replied}")
        if mapping is None:
            continue
        keys = Keys(reader, mapping, "what happens", _HAPPENING_KEYS, required=("at",))
        happening = _happening(keys)
        if happening is not None:
            found.append(happening)
    return tuple(found)


def _happening(keys: Keys) -> Happening | None:
    said = [deed for deed in DEEDS if keys.has(deed)]
    at = keys.word("at")
    if len(said) != 1:
        problem = f"says {listed(said)} at once" if said else "does not say what"
        keys.reader.report.error("PB109", keys.span, f"this happening {problem}", hint=f"write one of {listed(DEEDS)}")
        return None
    subject = _subject(keys, said[0])
    if at is None or subject is None:
        return None
    return Happening(
        span=subject.span,
        at=at,
        do=said[0],
        subject=subject,
        fields=keys.mapping_at("with"),
        by=keys.word("by"),
        comment=keys.word("comment"),
        step=keys.word("step"),
        undo=keys.flag("undo"),
        outcome=keys.word("outcome"),
    )


def _subject(keys: Keys, deed: str) -> Node | None:
    if deed == "facts":
        return keys.mapping_at("facts")
    if deed == "tell":
        return keys.choice("tell", *TELLS)
    return keys.word(deed)


def _expected(keys: Keys) -> Expected | None:
    mapping = keys.mapping_at("expect")
    if mapping is None:
        return None
    legal = tuple(field.name for field in fields(Expected) if field.name != "span")
    own = Keys(keys.reader, mapping, '"expect"', legal)
    if not mapping.entries:
        keys.reader.report.error("PB109", mapping.span, "this test expects nothing", hint=f"write one or more of {listed(legal)}")
        return None
    return Expected(
        span=mapping.span,
        outcome=own.word("outcome"),
        effects=own.read("effects", lambda node, what: _effects(own.reader, node, what), None),
        never=own.words("never"),
        undone=_list(own, "undone"),
        ran=own.words("ran"),
        not_run=own.words("not_run"),
        asked=_list(own, "asked"),
        ended=own.word("ended"),
        values=own.mapping_at("values"),
    )


def _list(keys: Keys, key: str) -> tuple[Scalar, ...] | None:
    """Give a list that may be empty: `undone: []` says that nothing is undone."""
    return keys.words(key) if keys.has(key) else None


def _effects(reader: Reader, node: Node, what: str) -> tuple[Effect, ...]:
    found = []
    for item in node.items if isinstance(node, Sequence) else reader.items(node, what):
        if isinstance(item, Mapping) and len(item.entries) == 1 and isinstance(item.entries[0].value, Mapping):
            found.append(Effect(item.entries[0].key, item.entries[0].value))
        elif isinstance(item, Scalar) and (word := reader.word(item, what)) is not None:
            found.append(Effect(word))
        else:
            reader.wrong_shape(item, "an expected effect", "a step id, or a step id with inputs", "write - call, or - call: {owner: maria}")
    return tuple(found)
