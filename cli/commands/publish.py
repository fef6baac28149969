from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, fail


def register(app: typer.Typer) -> None:
    """Add `playkeeper publish`."""
    app.command()(publish)


def publish(
    files: Annotated[list[Path], typer.Argument(help="Playbooks; the message templates they name (templates/*.md.j2) are sent first.")],
    draft: Annotated[bool, typer.Option("--draft", help="Only keep it; new plays do not follow it yet.")] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Check playbooks and make them the ones that new plays follow."""
    api = Api(actor=actor, json_output=json_output)
    for file in files:
        if not file.is_file():
            fail(f"there is no file {file}")
    for file in files:
        answer = publish_with_templates(api, file, publish=not draft)
        lines = [f"{answer['slug']}: version {answer['version']} is {answer['status']}"]
        lines += [f"  warning, line {one['line']}: {one['message']} [{one['code']}]" for one in answer["warnings"]]
        api.show(answer, lines)


def publish_with_templates(api: Api, file: Path, *, publish: bool) -> JsonTree:
    """Send the message templates that the playbook names, then the playbook."""
    text = file.read_bytes()
    for template in _templates_beside(file):
        if _name_of(template).encode() in text:
            put_template(api, template)
    return publish_file(api, file, publish=publish)


def publish_file(api: Api, file: Path, *, publish: bool) -> JsonTree:
    """Send a playbook as it is; the API says what is wrong with a file that is no text."""
    query = {"path": file.name, "publish": str(publish).lower()}
    return api.send("POST", "/v1/playbooks", content=file.read_bytes(), params=query, headers={"Content-Type": "application/yaml"})


def put_template(api: Api, file: Path) -> None:
    """Send a message template; one that cannot be read ends the command with what is wrong."""
    from playbook_dsl.library import read_template

    template, findings = read_template(file.read_bytes(), _name_of(file), str(file))
    if template is None:
        fail("; ".join(finding.machine_line() for finding in findings) or f"{file} is no message template")
    content = {"channel": template.channel, "subject": template.subject, "body": template.body}
    api.send("PUT", f"/v1/templates/{template.name}", json=content)


def _templates_beside(file: Path) -> list[Path]:
    """Templates lie beside the playbook, or beside its folder."""
    folders = (file.parent / "templates", file.parent.parent / "templates")
    return sorted(template for folder in folders for template in folder.glob("*.md.j2"))


def _name_of(template: Path) -> str:
    return template.name.removesuffix(".md.j2")
