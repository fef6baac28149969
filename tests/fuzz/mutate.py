"""Ways to break a playbook: by bytes, tokens, lines and structure."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

import yaml

from tests.fuzz.corpus import NASTY, TOKEN, files, words

Tree: TypeAlias = object


def mutated(chance: random.Random) -> bytes:
    """Give a real file, broken in one to four ways."""
    text = chance.choice(files())
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        text = chance.choice(_WAYS)(text, chance)
    data = text.encode("utf-8", "surrogateescape" if _survives(text) else "replace")
    return _bytes(data, chance) if chance.random() < 0.08 else data


def _survives(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _bytes(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.randint(1, 9)]
            case 2:
                changed[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 5)))
            case _:
                del changed[at:]
    return bytes(changed)


def _token(text: str, chance: random.Random) -> str:
    tokens = TOKEN.findall(text)
    if not tokens:
        return text
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(tokens))
        match chance.randrange(6):
            case 0 | 1:
                tokens[at] = chance.choice(words())
            case 2:
                tokens[at] = ""
            case 3:
                tokens.insert(at, chance.choice(words()))
            case 4:
                other = chance.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case _:
                tokens[at] = tokens[at] * chance.choice((2, 3, 50))
        tokens = tokens or [""]
    return "".join(tokens)


def _line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    match chance.randrange(7):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[chance.randrange(len(lines))])
        case 2:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = " " * chance.choice((1, 2, 4)) + lines[at]
        case 4:
            lines[at] = lines[at].removeprefix("  ")
        case 5:
            lines.insert(at, chance.choice(chance.choice(files()).split("\n")))
        case _:
            del lines[at : at + chance.randint(1, 12)]
    return "\n".join(lines)


def _value(text: str, chance: random.Random) -> str:
    """Put another value behind a key."""
    lines = text.split("\n")
    keyed = [index for index, line in enumerate(lines) if ": " in line]
    if keyed:
        at = chance.choice(keyed)
        key, _, value = lines[at].partition(": ")
        quote = chance.choice(("", "", "'", '"'))
        other = chance.choice((chance.choice(NASTY), chance.choice(words()), value[::-1], f"{value} {chance.choice(words())}"))
        lines[at] = f"{key}: {quote}{other}{quote}"
    return "\n".join(lines)


def _structure(text: str, chance: random.Random) -> str:
    """Change the tree and write it anew: parts of other files in wrong places, keys renamed, deep nesting."""
    try:
        tree: Tree = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506  # the base loader makes nothing but texts, lists and maps
        other: Tree = yaml.load(chance.choice(files()), Loader=yaml.CBaseLoader)  # noqa: S506  # the same
    except (yaml.YAMLError, ValueError):
        return _line(text, chance)
    places = _places(tree)
    if not places:
        return text
    for _ in range(chance.randint(1, 3)):
        holder, key = chance.choice(places)
        _change(holder, key, chance.choice(_subtrees(other)), chance)
    try:
        return str(yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=140))
    except UnicodeEncodeError:  # a file that is not UTF-8
        return _line(text, chance)


def _change(holder: dict[str, Tree] | list[Tree], key: str | int, other: Tree, chance: random.Random) -> None:
    if isinstance(holder, dict):
        if str(key) in holder:
            _change_map(holder, str(key), other, chance)
    elif isinstance(key, int) and key < len(holder):
        _change_list(holder, key, other, chance)


def _change_map(holder: dict[str, Tree], name: str, other: Tree, chance: random.Random) -> None:
    match chance.randrange(5):
        case 0:
            holder[name] = other
        case 1:
            del holder[name]
        case 2:
            holder[chance.choice(words())] = holder.pop(name)
        case 3:
            holder[name] = _nested(holder[name], chance)
        case _:
            holder[chance.choice(words())] = other


def _change_list(holder: list[Tree], key: int, other: Tree, chance: random.Random) -> None:
    match chance.randrange(4):
        case 0:
            holder[key] = other
        case 1:
            del holder[key]
        case 2:
            holder.insert(key, other)
        case _:
            holder[key] = _nested(holder[key], chance)


def _nested(tree: Tree, chance: random.Random) -> Tree:
    for _ in range(chance.choice((1, 2, 60))):
        tree = [tree] if chance.random() < 0.5 else {chance.choice(("steps", "if", "branch", "x")): tree}
    return tree


def _places(tree: Tree) -> list[tuple[dict[str, Tree] | list[Tree], str | int]]:
    found: list[tuple[dict[str, Tree] | list[Tree], str | int]] = []
    pending: list[Tree] = [tree]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            found.extend((part, key) for key in part)
            pending.extend(part.values())
        elif isinstance(part, list):
            found.extend((part, index) for index in range(len(part)))
            pending.extend(part)
    return found


def _subtrees(tree: Tree) -> list[Tree]:
    return [tree, *(holder[key] for holder, key in _places(tree))]  # type: ignore[index]  # each key is one of its holder


_WAYS: tuple[Callable[[str, random.Random], str], ...] = (_token, _token, _line, _value, _value, _structure)
