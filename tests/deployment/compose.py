from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, cast

import yaml

from tests.house.tree import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yml"
OURS = ("migrate", "api", "worker", "scorer")
# `$$` is a dollar; `${NAME}`, `${NAME:-default}`, `${NAME:?message}`.
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")

Document = dict[str, Any]


def read_compose() -> Document:
    return cast(Document, yaml.safe_load(COMPOSE_FILE.read_text()))


def service(name: str) -> Document:
    return cast(Document, read_compose()["services"][name])


def variables() -> dict[str, str]:
    """Every variable the file reads, with what follows its name: `?message`, `-default` or nothing."""
    return {
        found["name"]: f"{found['kind'] or ''}{found['rest'] or ''}"
        for found in _VARIABLE.finditer(COMPOSE_FILE.read_text())
        if found["name"]
    }


def interpolate(text: str, given: Mapping[str, str]) -> str:
    """What Compose makes of a value.

    Raises:
        KeyError: a variable that is required is not given.
    """

    def value(found: re.Match[str]) -> str:
        if found.group() == "$$":
            return "$"
        if given.get(found["name"]):
            return given[found["name"]]
        if found["kind"] == "?":
            raise KeyError(f"{found['name']}: {found['rest']}")
        return found["rest"] or ""

    return _VARIABLE.sub(value, text)


def environment_of(name: str, given: Mapping[str, str]) -> dict[str, str]:
    """The environment Compose gives a service's container."""
    return {key: interpolate(str(value), given) for key, value in service(name)["environment"].items()}


def command_here(command: list[str]) -> list[str]:
    """A container's command with this machine's programs in the place of the image's."""
    programs = {"python": [sys.executable], "playkeeper": [sys.executable, "-m", "cli.main"]}
    return [*programs[command[0]], *command[1:]]
