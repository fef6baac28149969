"""The JSON Schema of a playbook file, for completion and validation in editors."""

from playbook_dsl.catalog import Catalog
from playbook_dsl.schema.actions import action_verbs, task_list
from playbook_dsl.schema.head import head_keys
from playbook_dsl.schema.parts import ID, Schema, closed, ref, text
from playbook_dsl.schema.shared import definitions
from playbook_dsl.schema.verbs import control_verbs
from playbook_dsl.values import Json

DIALECT = "http://json-schema.org/draft-07/schema#"


def playbook_schema(catalog: Catalog) -> Schema:
    """Give the schema for the actions, facts, templates, people and playbooks of this catalog.

    It knows shapes, names and words; what needs meaning (types of expressions, steps that may not have run) only `check` can tell.
    """
    keys = head_keys(catalog) | {
        "steps": ref("steps", "What is done."),
        "finally": ref("steps", "What is done at the end, whatever happened."),
    }
    parts: dict[str, Json] = {**definitions(catalog), "step": step_schema(catalog)}
    return {
        "$schema": DIALECT,
        "title": "Playkeeper playbook",
        **closed(keys, "A playbook: what is done for an account, step by step.", required=["playbook", "steps"]),
        "definitions": parts,
    }


def step_schema(catalog: Catalog) -> Schema:
    """Give the schema of a step: the keys of every step, and exactly one verb."""
    verbs = control_verbs(catalog) | action_verbs(catalog)
    tasks = task_list(catalog)
    if tasks is not None:
        verbs["tasks"] = tasks
    common = {
        "id": text("The step's name for undo, upgrades and analytics; it stays the same.", pattern=ID),
        "title": text("What people see."),
        "if": ref("condition", "Only if this holds; else the step is left out."),
        "retry": ref("retry"),
        "timeout": text("How long one attempt may take, such as 30s."),
        "on_error": ref("on_error"),
        "undo": ref("undo"),
        "note": text("A remark for readers."),
        "review": ref("review"),
        "urgent": ref("urgent"),
    }
    return {
        **closed(common | verbs, "A step: its id and one verb.", required=["id"]),
        "oneOf": [{"required": [verb]} for verb in sorted(verbs)],
    }
