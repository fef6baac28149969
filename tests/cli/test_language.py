from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.workspace import _catalog_of

GOOD = """\
playbook: tell-them
steps:
  - id: log
    note.add: {text: "{{ account.name }} was told"}
  - id: mail
    email.send: {template: hello, to: champion}
    undo: {none: true, because: A letter cannot be called back}
  - id: lead
    task.create: {title: Call, owner: role:vp_cs, due: 3 business days}
"""
BAD = GOOD.replace("account.name", "account.nmae").replace("role:vp_cs", "role:vp_sc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tell-them").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "people.yaml").write_text("roles: {vp_cs: Leads customer success}\n")
    (tmp_path / "templates" / "hello.md.j2").write_text("---\nchannel: email\nsubject: Hello\n---\nHi {{ recipient.first_name }}\n")
    (tmp_path / "tell-them" / "tell-them.yaml").write_text(GOOD)
    (tmp_path / "tell-them" / "tell-them.test.yaml").write_text("not: a playbook\n")
    return tmp_path


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


def test_check_knows_people_templates_and_leaves_tests_alone(folder: Path) -> None:
    code, said = run("check", folder)

    assert (code, said.splitlines()[-1]) == (0, "1 playbook, 0 errors, 0 warnings")
    assert "undo covers 2 of 3 effects; not undone: mail" in said


def test_check_tells_all_errors_with_their_places_and_ends_with_1(folder: Path) -> None:
    path = folder / "tell-them" / "tell-them.yaml"
    path.write_text(BAD)

    code, said = run("check", path)

    assert code == 1
    assert f"{path}:4:34: " in said
    assert 'did you mean "name"?' in said
    assert "vp_sc" in said
    assert said.splitlines()[-1] == "1 playbook, 2 errors, 0 warnings"


def test_check_prints_json_for_scripts(folder: Path) -> None:
    path = folder / "tell-them" / "tell-them.yaml"
    path.write_text(BAD)

    code, said = run("check", "--json", path)

    (file,) = json.loads(said)
    assert code == 1
    assert (file["ok"], file["playbook"]) == (False, None)
    assert {one["line"] for one in file["diagnostics"]} == {4, 9}
    assert {"file", "line", "column", "length", "code", "severity", "message", "hint"} == set(file["diagnostics"][0])


def test_check_tells_what_is_wrong_with_people_and_templates(folder: Path) -> None:
    (folder / "templates" / "hello.md.j2").write_text("Hi\n")
    (folder / "people.yaml").write_text("role: [vp_cs]\n")

    code, said = run("check", folder)

    assert code == 1
    assert "hello.md.j2:1:1: a template starts with its front matter" in said
    assert 'people.yaml has no key "role"' in said


def test_check_knows_the_fields_of_your_own_from_their_file(folder: Path) -> None:
    path = folder / "tell-them" / "tell-them.yaml"
    path.write_text(GOOD.replace("steps:", 'enroll: {audience: account.custom.region == "emea"}\nsteps:'))
    without = run("check", path)
    (folder / "fields.yaml").write_text("region: text\n")
    _catalog_of.cache_clear()

    assert (without[0], 'has no "custom"' in without[1]) == (1, True)
    assert run("check", path)[0] == 0


def test_check_tells_what_is_wrong_with_the_fields(folder: Path) -> None:
    (folder / "fields.yaml").write_text("region: string\nGo-Live: date\nseats: number\n")

    code, said = run("check", folder)

    assert code == 1
    assert 'fields.yaml:1:9: the field "region" takes the word for its type' in said
    assert 'fields.yaml:2:1: a field cannot be called "Go-Live"' in said
    assert "seats" not in said


def test_a_file_that_is_not_there_is_one_line_and_ends_with_2(folder: Path) -> None:
    for command in (["check"], ["explain"], ["graph"]):
        code, said = run(*command, folder / "nothing.yaml")

        assert code == 2
        assert said.strip().endswith("no such file or folder") or said.strip().endswith("No such file or directory")
        assert len(said.strip().splitlines()) == 1


def test_a_folder_without_playbooks_says_so(tmp_path: Path) -> None:
    code, said = run("check", tmp_path)

    assert (code, said.strip()) == (2, "there is no playbook here")


def test_explain_graph_and_diff_work_on_files(folder: Path) -> None:
    path = folder / "tell-them" / "tell-them.yaml"
    newer = folder / "tell-them" / "newer.yaml"
    newer.write_text(GOOD.replace("3 business days", "2 business days"))
    newer = newer.rename(folder / "templates" / "tell-them.yaml")

    explained, drawn, as_json = run("explain", path), run("graph", path), run("graph", "--format", "json", path)

    assert explained[0] == drawn[0] == as_json[0] == 0
    assert "2 of 3 effects can be undone" in explained[1]
    assert drawn[1].startswith("flowchart TD\n")
    assert [node["id"] for node in json.loads(as_json[1])["nodes"]] == [":start", "log", "mail", "lead", ":end"]

    code, said = run("diff", path, newer)

    assert (code, said.splitlines()[0]) == (0, "step “lead”: due 3 business days → 2 business days")
    assert json.loads(run("diff", "--json", path, newer)[1])["changes"][0]["where"] == "step “lead”"


def test_a_playbook_with_errors_is_not_explained(folder: Path) -> None:
    path = folder / "tell-them" / "tell-them.yaml"
    path.write_text(BAD)

    code, said = run("explain", path)

    assert code == 1
    assert "PB202" in said


def test_the_schema_knows_the_roles_and_templates_of_the_folder(folder: Path) -> None:
    target = folder / "playbook.schema.json"

    code, said = run("schema", "--folder", folder, "-o", target)

    assert code == 0
    assert "yaml-language-server" in said
    assert "role:vp_cs" in target.read_text()
    assert '"hello"' in target.read_text()
