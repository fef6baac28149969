"""Playbook files on a disk, and what stands around them: people, templates, other playbooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from playbook_dsl.catalog import Catalog, People, PlaybookRef, TemplateDef
from playbook_dsl.compiler import Compiled, compile_playbook
from playbook_dsl.diagnostics import Diagnostic, render
from playbook_dsl.library import TEMPLATE_SUFFIX, read_fields, read_people, read_playbook_ref, read_template
from playbook_dsl.source import SourceText
from playbook_dsl.template_files import check_template

PEOPLE_FILE = "people.yaml"
FIELDS_FILE = "fields.yaml"
TEMPLATE_FOLDER = "templates"
# How far above a playbook its people.yaml and templates may stand: `playbooks/at-risk-save/at-risk-save.yaml` is the usual layout.
LEVELS_UP = 2
LIBRARY = Path(__file__).resolve().parents[1] / "playbooks"


class NoSuchFile(Exception):
    """A file or folder that was named is not there, or cannot be read."""


@dataclass(frozen=True)
class Found:
    """A file's findings; `compiled` is None for a file beside the playbooks (people.yaml, fields.yaml, a template)."""

    path: Path
    diagnostics: tuple[Diagnostic, ...]
    source: SourceText
    compiled: Compiled | None = None

    @property
    def has_errors(self) -> bool:
        """Whether the file cannot be published."""
        return any(one.is_error for one in self.diagnostics)

    def text(self) -> str:
        """The findings as people read them, with the place marked in the file's line."""
        return "".join(f"{render(one, self.source)}\n" for one in self.diagnostics)


def playbook_files(named: list[Path]) -> list[Path]:
    """The playbooks among what was named: files as they are, folders with everything below that is a playbook.

    Raises:
        NoSuchFile: nothing is there under a name.
    """
    found: dict[Path, None] = {}
    for path in named:
        if path.is_dir():
            found |= dict.fromkeys(_below(path))
        elif path.is_file():
            found[path] = None
        else:
            raise NoSuchFile(f"{path}: no such file or folder")
    return list(found)


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if (
            not hidden
            and path.is_file()
            and path.name not in (PEOPLE_FILE, FIELDS_FILE)
            and not path.stem.endswith(".test")
            and "scorecards" not in path.parts
        ):
            yield path


def compile_file(path: Path) -> Compiled:
    """Compile one playbook with what stands around it.

    Raises:
        NoSuchFile: it cannot be read.
    """
    return compile_playbook(read(path), catalog_for(path), path=str(path))


def read(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        NoSuchFile: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise NoSuchFile(f"{path}: {error.strerror or error}") from None


def catalog_for(path: Path) -> Catalog:
    """What the names in a playbook at this path may stand for."""
    return _catalog_of(path.resolve().parent)


@cache
def _catalog_of(folder: Path) -> Catalog:
    from activities.catalog import plain_catalog

    around = _around(folder)
    return replace(
        plain_catalog(_fields(folder)[0]),
        people=_people(folder)[0],
        templates=_templates((*around, LIBRARY)),
        playbooks=_playbooks((*around, LIBRARY)),
    )


def _around(folder: Path) -> tuple[Path, ...]:
    return (folder, *folder.parents[: LEVELS_UP - 1])


def _people(folder: Path) -> tuple[People, Found | None]:
    for place in _around(folder):
        path = place / PEOPLE_FILE
        if path.is_file():
            data = read(path)
            people, diagnostics = read_people(data, str(path))
            return people, Found(path, diagnostics, SourceText(str(path), data.decode("utf-8", "replace")))
    return People(), None


def _fields(folder: Path) -> tuple[dict[str, str], Found | None]:
    """The organisation's own fields of accounts; without a file there are none, and publishing knows those of the server."""
    from activities.catalog import OWN_FIELD_TYPES

    for place in _around(folder):
        path = place / FIELDS_FILE
        if path.is_file():
            data = read(path)
            fields, diagnostics = read_fields(data, OWN_FIELD_TYPES, str(path))
            return fields, Found(path, diagnostics, SourceText(str(path), data.decode("utf-8", "replace")))
    return {}, None


def _templates(places: tuple[Path, ...]) -> dict[str, TemplateDef]:
    """The templates by name; the nearest folder wins."""
    found: dict[str, TemplateDef] = {}
    for place in reversed(places):
        for path in sorted((place / TEMPLATE_FOLDER).glob(f"*{TEMPLATE_SUFFIX}")):
            name = path.name.removesuffix(TEMPLATE_SUFFIX)
            template, _ = read_template(read(path), name, str(path))
            if template is not None:
                found[name] = template
    return found


def _playbooks(places: tuple[Path, ...]) -> dict[str, PlaybookRef]:
    found: dict[str, PlaybookRef] = {}
    for place in reversed(places):
        for path in sorted([*place.glob("*.yaml"), *place.glob("*/*.yaml")]):
            if path.name in (PEOPLE_FILE, FIELDS_FILE) or path.stem.endswith(".test"):
                continue
            known = read_playbook_ref(read(path), str(path))
            if known is not None:
                found[known.slug] = known
    return found


def findings(named: list[Path]) -> list[Found]:
    """Everything there is to say about the playbooks named, and about the people and templates they use.

    Raises:
        NoSuchFile: a file cannot be read.
    """
    files = playbook_files(named)
    beside: dict[Path, Found] = {}
    result = []
    for path in files:
        compiled = compile_file(path)
        result.append(Found(path, compiled.diagnostics, compiled.source, compiled))
        for found in _beside(path.parent):
            beside.setdefault(found.path.resolve(), found)
    return [*(found for found in beside.values() if found.diagnostics), *result]


def _beside(folder: Path) -> Iterator[Found]:
    """The findings in people.yaml, fields.yaml and the templates around a folder."""
    for beside in (_people(folder)[1], _fields(folder)[1]):
        if beside is not None:
            yield beside
    for place in (folder, folder / "..") if folder.parent != folder else (folder,):
        for path in sorted((place / TEMPLATE_FOLDER).glob(f"*{TEMPLATE_SUFFIX}")):
            data = read(path)
            diagnostics = check_template(data, catalog_for(path), str(path))
            yield Found(path, diagnostics, SourceText(str(path), data.decode("utf-8", "replace")))
