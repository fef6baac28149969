from __future__ import annotations

import json
import re
from importlib.resources import files

import jsonschema
import pytest
import yaml

from tests.deployment.compose import OURS, environment_of, read_compose, service, variables
from tests.house.tree import ROOT
from workflows.messages import SEARCH_ATTRIBUTES

SECRETS = ("POSTGRES_PASSWORD", "PLAYKEEPER_DATABASE_APP_PASSWORD", "PLAYKEEPER_ENCRYPTION_KEYS")


def test_the_file_follows_the_schema_of_compose() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())

    errors = [f"{error.json_path}: {error.message}" for error in jsonschema.Draft202012Validator(schema).iter_errors(read_compose())]

    assert errors == []


def test_the_schema_would_notice_a_mistake() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())
    broken = read_compose()
    broken["services"]["api"]["depend_on"] = ["migrate"]

    assert list(jsonschema.Draft202012Validator(schema).iter_errors(broken))


def test_every_secret_must_be_given_and_none_is_in_the_file() -> None:
    read = variables()

    assert [name for name in SECRETS if not read[name].startswith("?")] == []
    secret_names = re.compile("PASSWORD|PWD|KEYS|SECRET|TOKEN")
    written_out = [
        f"{name}.{key}"
        for name, each in read_compose()["services"].items()
        for key, value in each.get("environment", {}).items()
        if secret_names.search(key) and not str(value).startswith("${")
    ]
    assert written_out == []


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_secret_is_named(name: str) -> None:
    given = {secret: "given" for secret in SECRETS if secret != name}

    with pytest.raises(KeyError, match=f"{name}: set it to"):
        [environment_of(each, given) for each in OURS]


def test_services_wait_for_what_they_need() -> None:
    services = read_compose()["services"]
    conditions = {(name, needed): how["condition"] for name, each in services.items() for needed, how in each.get("depends_on", {}).items()}

    assert {needed for _, needed in conditions} <= set(services)
    for (_, needed), condition in conditions.items():
        expected = "service_healthy" if "healthcheck" in services[needed] else "service_completed_successfully"
        assert condition == expected


def test_whatever_stays_up_has_a_health_check() -> None:
    services = read_compose()["services"]
    staying = {name for name, each in services.items() if each["restart"] == "unless-stopped"}

    assert staying - {name for name, each in services.items() if "healthcheck" in each} <= {"temporal-ui"}


def test_temporal_gets_every_search_attribute() -> None:
    script = service("temporal-setup")["command"][0]

    assert f"for name in {' '.join(SEARCH_ATTRIBUTES)}; do" in script


def test_the_image_holds_every_room_and_nothing_else() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    allowed = set(re.findall(r"^!(\w+)/$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"} | {"playbooks"}

    assert copied == allowed == rooms


def test_container_programs_are_not_run_as_root() -> None:
    instructions = (ROOT / "Dockerfile").read_text().splitlines()

    assert "USER playkeeper" in instructions


def test_inline_configuration_is_yaml() -> None:
    content = read_compose()["configs"]["temporal-dynamic-config"]["content"]

    assert yaml.safe_load(content)["matching.enableFairness"] == [{"value": True}]
