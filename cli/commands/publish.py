from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, fail


def register(app: typer.Typer) -> None:
    """Add `playkeeper publish`."""
    app.command()(publish)


def publish(
    files: Annotated[list[Path], typer.Argument(help="Playbooks; message templates (*.md.j2) beside them are sent first.")],
    draft: Annotated[bool, typer.Option("--draft", help="Only keep it; new plays do not follow it yet.")] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Check playbooks and make them the ones that new plays follow."""
    api = Api(actor=actor, json_output=json_output)
    for file in files:
        if not file.is_file():
            fail(f"there is no file {file}")
    for template in sorted({template for file in files for template in _templates_beside(file)}):
        put_template(api, template)
    for file in files:
        answer = publish_file(api, file, publish=not draft)
        lines = [f"{answer['slug']}: version {answer['version']} is {answer['status']}"]
        lines += [f"  warning, line {one['line']}: {one['message']} [{one['code']}]" for one in answer["warnings"]]
        api.show(answer, lines)


def publish_file(api: Api, file: Path, *, publish: bool) -> JsonTree:
    """Send a playbook as it is; the API says what is wrong with a file that is no text."""
    query = {"path": file.name, "publish": str(publish).lower()}
    return api.send("POST", "/v1/playbooks", content=file.read_bytes(), params=query, headers={"Content-Type": "application/yaml"})


def put_template(api: Api, file: Path) -> None:
    """Send a message template: front matter between `---` lines, then the body."""
    import yaml

    head, body = split_front_matter(file.read_text())
    front = yaml.safe_load(head) or {}
    name = file.name.removesuffix(".md.j2")
    content = {"channel": front.get("channel", "email"), "subject": front.get("subject", ""), "body": body}
    api.send("PUT", f"/v1/templates/{name}", json=content)


def split_front_matter(text: str) -> tuple[str, str]:
    """Give what stands between the first two `---` lines, and the rest."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].strip() != "---":
        return "", text
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    return ("", text) if end is None else ("".join(lines[1:end]), "".join(lines[end + 1 :]).lstrip("\n"))


def _templates_beside(file: Path) -> list[Path]:
    return sorted((file.parent / "templates").glob("*.md.j2"))
