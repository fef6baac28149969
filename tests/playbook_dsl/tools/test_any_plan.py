from __future__ import annotations

import json
import re

from hypothesis import HealthCheck, Phase, given, settings

from playbook_dsl.catalog import Catalog
from playbook_dsl.diff.plans import NO_CHANGE, compare, render, to_json
from playbook_dsl.explain.play import explain
from playbook_dsl.graph import draw, to_mermaid
from playbook_dsl.plan import Plan
from tests.playbook_dsl.tools.plans import plans

# Shrinking a whole plan takes minutes.
robust = settings(
    max_examples=15,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
MERMAID_NODE = re.compile(
    r'    n_\w+ ?(\(\[|\[\[|\[/|\[\(|\[|\{\{|\{|\(|>)"[^"\\<>\[\]{}|;`&%]*(<br/>[^"<>]*)?"(\]\)|\]\]|/\]|\)\]|\]|\}\}|\}|\))'
)
MERMAID_EDGE = re.compile(r'    n_\w+ (-->|-\.->)(\|"[^"<>\[\]{}|`&%]*"\|)? n_\w+')


@robust
@given(plans)
def test_every_plan_can_be_explained(plan: Plan) -> None:
    text = explain(plan, Catalog())

    assert text.endswith("\n")
    assert "Steps" in text or not plan.steps


@robust
@given(plans)
def test_every_edge_of_a_graph_joins_two_of_its_nodes(plan: Plan) -> None:
    graph = draw(plan, Catalog())

    ids = {node.id for node in graph.nodes}
    assert {edge.source for edge in graph.edges} | {edge.target for edge in graph.edges} <= ids
    assert json.loads(json.dumps(graph.to_json()))["nodes"]


@robust
@given(plans)
def test_hostile_labels_never_break_out_of_the_mermaid_text(plan: Plan) -> None:
    first, *lines = to_mermaid(draw(plan, Catalog())).splitlines()

    assert first == "flowchart TD"
    entity = re.compile(r"#\d+;")
    strange = [line for line in lines if not any(form.fullmatch(entity.sub("", line)) for form in (MERMAID_NODE, MERMAID_EDGE))]
    assert strange == []


@robust
@given(plans)
def test_a_plan_does_not_differ_from_itself(plan: Plan) -> None:
    again = Plan.model_validate_json(plan.model_dump_json(by_alias=True))

    assert render(compare(plan, again)) == f"{NO_CHANGE}\n"


@robust
@given(plans, plans)
def test_any_two_plans_can_be_compared_with_the_same_answer_each_time(old: Plan, new: Plan) -> None:
    changes = compare(old, new)

    assert changes == compare(old, new)
    assert json.loads(json.dumps(to_json(old, new, changes)))
    assert render(changes)
