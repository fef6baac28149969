from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "testing-playbooks.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
PLAYBOOK, TESTS = (text for kind, text in BLOCKS if kind == "yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example of the guide, as files."""
    (tmp_path / "trial-ending.yaml").write_text(PLAYBOOK, encoding="utf-8")
    (tmp_path / "trial-ending.test.yaml").write_text(TESTS, encoding="utf-8")
    return tmp_path


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["test", *map(str, arguments)])
    return result.exit_code, result.output


def test_the_example_of_the_guide_passes(folder: Path) -> None:
    code, output = run(folder)

    assert (code, output.splitlines()[-1]) == (0, "4 passed, 0 failed")


@pytest.mark.parametrize("name", ["trial-ending.yaml", "trial-ending.test.yaml"])
def test_a_playbook_stands_for_the_tests_beside_it(folder: Path, name: str) -> None:
    assert run(folder / name)[0] == 0


def test_the_failure_in_the_guide_is_what_the_command_prints(folder: Path) -> None:
    (shown,) = (text for kind, text in BLOCKS if not kind and text.startswith("FAILED"))
    head, _, rest = TESTS.partition("\n  - test: an answer saves")
    assert rest
    file = folder / "trial-ending.test.yaml"
    file.write_text(head.replace("ended: day 5 17:00", "ended: day 3"), encoding="utf-8")

    code, output = run(file)

    assert code == 1
    assert output.replace(f"{folder}/", "") == shown


def test_json_is_for_scripts(folder: Path) -> None:
    code, output = run(folder, "--json")
    report = json.loads(output)

    assert (code, report["passed"]) == (0, True)
    assert [test["passed"] for test in report["files"][0]["tests"]] == [True] * 4


def test_a_mistake_in_a_test_file_is_shown_with_its_place(folder: Path) -> None:
    file = folder / "trial-ending.test.yaml"
    file.write_text(TESTS.replace("effects: [letter]\n      never", "effects: [lettre]\n      never"), encoding="utf-8")

    code, output = run(folder)

    assert code == 1
    assert 'no step has the id "lettre" [PB201]' in output
    assert 'did you mean "letter"?' in output
    assert output.splitlines()[-1] == "3 passed, 0 failed, 1 file with errors"


def test_a_playbook_with_errors_runs_no_tests(folder: Path) -> None:
    file = folder / "trial-ending.yaml"
    file.write_text(PLAYBOOK.replace("steps.answer.came", "steps.anser.came"), encoding="utf-8")

    code, output = run(folder)

    assert code == 1
    assert "there is no playbook without errors for these tests" in output


def test_nothing_to_test_says_where_tests_would_stand(tmp_path: Path) -> None:
    assert run(tmp_path) == (2, "there is no test here; tests stand beside their playbook in <playbook>.test.yaml\n")
    assert run(tmp_path / "gone.yaml")[0] == 2


def test_every_key_of_a_test_file_is_in_the_guide() -> None:
    from dataclasses import fields

    from simulation.testing.cases import Expected, Given
    from simulation.testing.reading import DEEDS, TELLS

    keys = {field.name for kind in (Given, Expected) for field in fields(kind)} - {"span"}
    documented = set(re.findall(r"`([a-z_]+)", GUIDE.read_text(encoding="utf-8")))

    assert keys | set(DEEDS) | set(TELLS) <= documented
