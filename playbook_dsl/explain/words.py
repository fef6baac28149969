"""Expressions, durations, people and values of a plan in plain words.

Nothing here can fail: what has no words of its own is shown as it is written.
"""

import re
from collections.abc import Iterable

from playbook_dsl.plan import Expr, Node

UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
SHORT_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
WORDY_DURATION = re.compile(r"-?\d+(?:\.\d+)? [a-z ]+")
TOKEN = re.compile(
    r"""
      (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<number>\d[\d_]*(?:\.\d+)?)
    | (?P<name>[^\W\d]\w*(?:\s*\.\s*[^\W\d]\w*)*)
    | (?P<operator>==|!=|<=|>=|<|>)
    | (?P<other>\S)
    """,
    re.VERBOSE,
)
OPERATORS = {"==": "is", "!=": "is not", "<=": "is at most", ">=": "is at least", "<": "is below", ">": "is above"}
ROOTS = {
    "inputs": "the input {}",
    "vars": "the value {}",
    "event": "the event’s {}",
    "arrived": "its {}",
    "at_start": "{} at the start",
    "run": "the play’s {}",
    "error": "the error’s {}",
}
OWNERS = {
    "csm": "the CSM",
    "csm.manager": "the CSM’s manager",
    "owner": "the account’s owner",
    "champion": "the champion",
    "primary_contact": "the primary contact",
}
OWNER_CALL = re.compile(r"(round_robin|least_loaded|all)\(\s*([^()]*?)\s*\)")
CALLS = {"round_robin": "the next in turn of team {}", "least_loaded": "the least busy of team {}", "all": "every {}"}


def quoted(text: str) -> str:
    """Give the text in typographic quotes."""
    return f"“{text}”"


def duration_words(source: Expr) -> str:
    """Give `10m` as "10 minutes"; durations that are words already and expressions stay readable."""
    short = SHORT_DURATION.fullmatch(source.strip())
    if short:
        amount, unit = short.groups()
        return f"{amount} {UNITS[unit]}{'' if amount == '1' else 's'}"
    return source.strip() if WORDY_DURATION.fullmatch(source.strip()) else condition_words(source)


def cause_words(event: str | None, when: Expr | None) -> str:
    """Give what an exit or an alternative waits for: an event, a condition, or an event for which a condition holds."""
    if event is None:
        return condition_words(when or "")
    return f"the event {event} arrives" + (f", where {condition_words(when)}" if when else "")


def seconds_words(seconds: float) -> str:
    """Give a number of seconds as "5 minutes" where it is a whole number of them."""
    for name, size in (("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {name}{'' if seconds == size else 's'}"
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def condition_words(source: Expr) -> str:
    """Give an expression in words: `account.tier in ["a", "b"]` becomes "account tier is one of “a”, “b”"."""
    words: list[str] = []
    tokens = list(TOKEN.finditer(source))
    skip = False
    for index, token in enumerate(tokens):
        if skip:
            skip = False
            continue
        following = tokens[index + 1].group() if index + 1 < len(tokens) else ""
        if token.group() == "not" and following == "in":
            words.append("is not one of" if _opens_list(tokens, index + 2) else "is not in")
            skip = True
        else:
            words.append(_token_words(token, following))
    return _join(words)


def _opens_list(tokens: list[re.Match[str]], index: int) -> bool:
    return index < len(tokens) and tokens[index].group() == "["


def _token_words(token: re.Match[str], following: str) -> str:
    text = token.group()
    if token.lastgroup == "text":
        return quoted(text[1:-1])
    if token.lastgroup == "operator":
        return OPERATORS[text]
    if token.lastgroup == "name":
        if text == "in":
            return "is one of" if following == "[" else "is in"
        return text if following == "(" else name_words(text)
    return text


def _join(words: list[str]) -> str:
    text = " ".join(words)
    text = re.sub(r" ([,)\].])", r"\1", text)
    text = re.sub(r"([(\[]) ", r"\1", text)
    text = re.sub(r"(\w) \(", r"\1(", text)
    text = re.sub(r"\b(and|or|not|if|else|is|in|of)\(", r"\1 (", text)
    text = re.sub(r"in_play\((“[^”]*”)\)", r"the play \1 is running", text)
    text = re.sub(r"\(([^()]*)\) is ", r"\1 is ", text)
    text = re.sub(r"default\(([^()]+), ([^(),]+)\)", r"\1 (or \2 when missing)", text)
    return re.sub(r"(is one of|is not one of) \[([^\[\]]*)\]", r"\1 \2", text)


def name_words(name: str) -> str:
    """Give `steps.assess.score` as "score of “assess”" and `account.renewal_date` as "account renewal date"."""
    parts = [part.strip() for part in name.split(".")]
    if parts[0] == "steps" and len(parts) > 1:
        return " ".join([*(part.replace("_", " ") for part in parts[2:]), *(["of"] if parts[2:] else []), quoted(parts[1])])
    if parts[0] in ROOTS and len(parts) > 1:
        return ROOTS[parts[0]].format(" ".join(parts[1:]).replace("_", " "))
    return " ".join(parts).replace("_", " ") if len(parts) > 1 else name


def owner_words(owners: Iterable[str]) -> str:
    """Give owner or recipient specs, tried in order, as "the CSM, else the next in turn of team emea"."""
    return ", else ".join(_one_owner(owner) for owner in owners) or "nobody"


def _one_owner(owner: str) -> str:
    call = OWNER_CALL.fullmatch(owner)
    if call:
        return CALLS[call.group(1)].format(call.group(2).replace("_", " "))
    if owner.startswith("role:"):
        return f"role {owner.removeprefix('role:')}"
    return OWNERS.get(owner, name_words(owner) if owner.startswith("at_start.") else owner)


def node_words(node: Node) -> str:
    """Give a value of the plan in words; computed parts of a text stand in braces."""
    match node:
        case {"$expr": str(source)}:
            return duration_words(source)
        case {"$text": list(parts)}:
            return "".join(part if isinstance(part, str) else f"{{{node_words(part)}}}" for part in parts)
        case {"$money": [amount, currency]}:
            return f"{amount} {currency}"
        case {"$date": str(text)} | {"$datetime": str(text)}:
            return text
        case {"$duration": dict(units)}:
            return " and ".join(f"{amount} {unit.replace('_', ' ')}" for unit, amount in units.items()) or "0 days"
        case dict():
            return ", ".join(f"{key}: {node_words(value)}" for key, value in node.items())
        case list() | tuple():
            return ", ".join(node_words(item) for item in node)
    return _scalar_words(node)


def _scalar_words(node: Node) -> str:
    if node is None:
        return "nothing"
    if isinstance(node, bool):
        return "yes" if node else "no"
    return str(node)


def share_words(share: float) -> str:
    """Give a share of 0–1 as per cent."""
    return f"{share * 100:g} %"


def list_words(items: Iterable[str], last: str = "and") -> str:
    """Give "a, b and c"."""
    words = list(items)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def counted(count: int, noun: str) -> str:
    """Give "1 step", "2 steps"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
