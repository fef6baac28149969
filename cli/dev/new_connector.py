"""`make connector NAME=zendesk`: a new connector with contract, stand-in, README and a standard suite that fails until it is written."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from string import Template

import typer

_TEMPLATES = Path(__file__).parent / "connector"
_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")

# Which template becomes which file.
_FILES = {
    "vendor.py.txt": "connectors/{name}/vendor.py",
    "client.py.txt": "connectors/{name}/client.py",
    "fake.py.txt": "connectors/{name}/fake.py",
    "README.md.txt": "connectors/{name}/README.md",
    "definitions.py.txt": "activities/definitions/{name}.py",
    "actions.py.txt": "activities/actions/{name}.py",
    "subject.py.txt": "tests/connectors/subjects/{name}.py",
}
# Which line is added before which, so that the parts are known. Each file lists them in one place.
_LINES = {
    "connectors/registry.py": (
        ("from connectors.vendor import Vendor\n", "from connectors.{name}.vendor import {const}\n"),
        (")\n\nVENDORS", "    {const},\n"),
    ),
    "activities/catalog.py": (
        ("from playbook_dsl.catalog import", "from activities.definitions.{name} import {const}_CONTRACTS\n"),
        (")\nACTIONS", "    *{const}_CONTRACTS,\n"),
    ),
    "activities/registry.py": (
        ("from activities.connections import", "from activities.actions.{name} import {name}_actions\n"),
        ("    )\n    return {action.contract.name", "        *{name}_actions(dependencies.connections),\n"),
    ),
}


class NotPossible(Exception):
    """A connector that cannot be begun; the message says why."""


def make_connector(root: Path, name: str, title: str) -> list[str]:
    """Write the files of a new connector and add it to the lists; give what was written.

    Raises:
        NotPossible: the name cannot be one, or is taken.
    """
    if not _NAME.fullmatch(name):
        raise NotPossible(f'"{name}" cannot be the name of a connector: small letters, digits and _, such as zendesk')
    if (root / "connectors" / name).exists():
        raise NotPossible(f"there is a connector {name} already")
    words = {"name": name, "title": title, "cls": "".join(part.capitalize() for part in name.split("_")), "const": name.upper()}
    written = []
    for template, where in _FILES.items():
        path = root / where.format(**words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template((_TEMPLATES / template).read_text()).substitute(words))
        written.append(where.format(**words))
    (root / "connectors" / name / "__init__.py").touch()
    for where, lines in _LINES.items():
        path = root / where
        text = path.read_text()
        for before, line in lines:
            if before not in text:
                raise NotPossible(f"{where} has no line {before.strip()!r} any more; add {line.format(**words).strip()!r} by hand")
            text = text.replace(before, line.format(**words) + before, 1)
        path.write_text(text)
        written.append(where)
    return written


def main() -> int:
    """Write, and say what to do next."""
    parser = argparse.ArgumentParser(prog="python -m cli.dev.new_connector", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--title")
    asked = parser.parse_args()
    try:
        written = make_connector(Path.cwd(), asked.name, asked.title or asked.name.replace("_", " ").title())
    except NotPossible as error:
        typer.echo(f"connector: {error}", err=True)
        return 1
    typer.echo("\n".join(f"  wrote {where}" for where in written))
    typer.echo(
        f"Now: .venv/bin/pytest tests/connectors -k {asked.name}   (fails until the stand-in and the client do what the vendor does)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
