"""The verbs that wait: for time, for events, for people."""

import re

from playbook_dsl.nodes import Node, Scalar, Sequence
from playbook_dsl.parse.forms import fields
from playbook_dsl.parse.keys import Keys, short
from playbook_dsl.parse.parser import Parser
from playbook_dsl.syntax import AlternativeSpec, AskBody, EscalationSpec, WaitBody, WaitUntilBody
from playbook_dsl.types import DATE, DATETIME, DURATION, TEXT
from playbook_dsl.words import Expression, Owners, Value, Word

PAUSED = ("shift", "keep_date")
_TIME_OF_DAY = re.compile(r"\d{1,2}:\d\d")


def wait(parser: Parser, node: Node, verb: Word) -> WaitBody:
    """Read `wait`: a duration, or a map with `for`, `until` or `at`."""
    if isinstance(node, Scalar) and _TIME_OF_DAY.fullmatch(node.text.strip()):
        parser.wrong_shape(node, '"wait"', "a duration", f"for a time of the day write wait: {{at: {node.text.strip()}}}")
        return WaitBody()
    if isinstance(node, Scalar):
        return WaitBody(for_=parser.expression(node, '"wait"', DURATION))
    mapping = parser.mapping(node, '"wait"', "write wait: 3 days, or wait: {until: account.renewal_date}")
    if mapping is None:
        return WaitBody()
    keys = Keys(parser, mapping, '"wait"', ("for", "until", "at", "land_on", "fixed", "while_paused"))
    if keys.has("for") and keys.has("until"):
        parser.report.error("PB110", verb.span, '"wait" has both "for" and "until"', hint="keep one of them")
    if not any(keys.has(key) for key in ("for", "until", "at")):
        parser.report.error(
            "PB109", verb.span, '"wait" does not say for how long', hint="write wait: 3 days, or wait: {until: account.renewal_date}"
        )
    return WaitBody(
        for_=keys.duration("for"),
        until=_until(keys),
        at=keys.word("at"),
        land_on=keys.choice("land_on", "business day"),
        fixed=keys.flag("fixed"),
        while_paused=keys.choice("while_paused", *PAUSED),
    )


def _until(keys: Keys) -> Expression | None:
    found = keys.moment("until")
    if found is not None:  # a date that is missing, like one that is past, passes at once and says so
        found.expects, found.also = DATE.maybe(), (DATETIME.maybe(),)
    return found


def wait_until(parser: Parser, node: Node, verb: Word) -> WaitUntilBody:
    """Read `wait_until`."""
    mapping = parser.mapping(node, '"wait_until"', "write any: with named alternatives below it")
    if mapping is None:
        return WaitUntilBody()
    keys = Keys(parser, mapping, '"wait_until"', ("any", "all", "since", "up_to", "on_timeout", "while_paused"))
    joins = [join for join in ("any", "all") if keys.has(join)]
    if len(joins) != 1:
        problem = 'has both "any" and "all"' if joins else 'needs the key "any" or "all"'
        hint = "keep one of them" if joins else "write any: {replied: {event: email.replied}}"
        parser.report.error("PB109" if not joins else "PB110", verb.span, f'"wait_until" {problem}', hint=hint)
    join = joins[0] if joins else "any"
    return WaitUntilBody(
        join=join,
        alternatives=_alternatives(parser, keys, join) if joins else (),
        since=keys.word("since"),
        up_to=keys.duration("up_to"),
        on_timeout=parser.steps_at(keys, "on_timeout"),
        while_paused=keys.choice("while_paused", *PAUSED),
    )


def _alternatives(parser: Parser, keys: Keys, join: str) -> tuple[AlternativeSpec, ...]:
    mapping = keys.mapping_at(join)
    if mapping is not None and not mapping.entries:
        parser.wrong_shape(Scalar(mapping.span, ""), keys.label(join), "at least one named alternative")
    found = []
    for entry in mapping.entries if mapping else ():
        what = f'the alternative "{short(entry.key.text)}"'
        body = parser.mapping(entry.value, what, f"write {entry.key.text}: {{event: email.replied}} or {{if: a condition}}")
        if body is None:
            continue
        own = Keys(parser, body, what, ("event", "if", "then"))
        if not own.has("event") and not own.has("if"):
            parser.report.error("PB109", entry.key.span, f'{what} needs the key "event" or "if"')
        found.append(AlternativeSpec(entry.key, own.word("event"), own.condition(), parser.steps_at(own, "then")))
    return tuple(found)


def ask(parser: Parser, node: Node, verb: Word) -> AskBody:
    """Read `ask`."""
    mapping = parser.mapping(node, '"ask"', "write {by: csm, question: …, form: {reason: text}}")
    if mapping is None:
        return AskBody(approval=False)
    legal = ("by", "need", "question", "form", "up_to", "remind", "escalate", "on_timeout", "while_paused")
    keys = Keys(parser, mapping, '"ask"', legal, required=("by", "form"), at=verb.span)
    body = _question(keys, approval=False)
    form = keys.mapping_at("form")
    body.form = fields(parser, form, "field") if form else ()
    if isinstance(keys.node("on_timeout"), Scalar):
        parser.wrong_shape(keys.node("on_timeout") or form or mapping, keys.label("on_timeout"), "a list of steps")
    else:
        body.on_timeout = parser.steps_at(keys, "on_timeout")
    return body


def approve(parser: Parser, node: Node, verb: Word) -> AskBody:
    """Read `approve`. `on_timeout` is one of three words, or steps."""
    mapping = parser.mapping(node, '"approve"', "write {by: csm, question: Send the offer?}")
    if mapping is None:
        return AskBody(approval=True)
    legal = ("by", "need", "question", "up_to", "remind", "escalate", "on_timeout", "on_reject", "while_paused")
    keys = Keys(parser, mapping, '"approve"', legal, required=("by",), at=verb.span)
    body = _question(keys, approval=True)
    if isinstance(keys.node("on_timeout"), Sequence):
        body.on_timeout = parser.steps_at(keys, "on_timeout")
    else:
        body.timeout_decision = keys.choice("on_timeout", "approve", "reject", "escalate")
    body.on_reject = parser.steps_at(keys, "on_reject")
    return body


def _question(keys: Keys, *, approval: bool) -> AskBody:
    question = keys.node("question")
    return AskBody(
        approval=approval,
        by=keys.owners("by"),
        need=keys.word("need"),
        question=Value(question, TEXT, keys.label("question")) if question is not None else None,
        up_to=keys.duration("up_to"),
        remind=keys.duration("remind"),
        escalate=_escalations(keys),
        while_paused=keys.choice("while_paused", *PAUSED),
    )


def _escalations(keys: Keys) -> tuple[EscalationSpec, ...]:
    node = keys.node("escalate")
    if node is None:
        return ()
    found = []
    for item in keys.reader.items(node, keys.label("escalate")):
        mapping = keys.reader.mapping(item, keys.label("escalate"), "write - {after: 1 business day, to: csm.manager}")
        if mapping is not None:
            own = Keys(keys.reader, mapping, '"escalate"', ("after", "to"), required=("after", "to"))
            after: Expression | None = own.duration("after")
            to: Owners | None = own.owners("to")
            found.append(EscalationSpec(after, to))
    return tuple(found)
