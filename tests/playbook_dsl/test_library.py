from __future__ import annotations

import pytest

from playbook_dsl.library import read_people, read_playbook_ref, read_template

GOOD = '---\nsubject: "About {{ account.name }}"\nchannel: email\n---\n\nDear {{ contact.name }},\n'


def test_a_template_is_its_front_matter_and_its_body() -> None:
    template, findings = read_template(GOOD, "hello", "templates/hello.md.j2")

    assert findings == ()
    assert template is not None
    assert (template.channel, template.subject, template.body) == ("email", "About {{ account.name }}", "Dear {{ contact.name }},\n")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "front matter between two lines"),
        ("Dear customer", 1, "front matter between two lines"),
        ("---\nchannel: email\nsubject: x\nbody without an end", 1, "front matter between two lines"),
        ("---\nchannel: fax\nsubject: x\n---\n", 2, 'cannot be "fax"'),
        ("---\nsubject: x\n---\n", 2, 'needs the key "channel"'),
        ("---\nchannel: email\n---\n", 2, 'needs the key "subject"'),
        ("---\nchannel: email\nsubject: x\ntitle: y\n---\n", 4, 'no key "title"'),
        ("---\nchannel: email\nsubject: {{ account.name }}\n---\n", 3, "{{"),
        ("---\n- email\n---\n", 2, "takes a map"),
        ("---\n: : :\n---\n", 2, ""),
    ],
)
def test_a_bad_template_is_told_at_its_line(text: str, line: int, said: str) -> None:
    template, findings = read_template(text, "hello", "hello.md.j2")

    assert template is None
    assert said in findings[0].message + (findings[0].hint or "")
    assert findings[0].span.line == line


def test_people_are_read_from_lists_and_from_maps() -> None:
    people, findings = read_people("roles: {vp_cs: Vice president}\nteams: [emea]\npeople:\n  maria@acme.example: Maria\n")

    assert findings == ()
    assert (people.roles, people.teams, people.people) == (frozenset({"vp_cs"}), frozenset({"emea"}), frozenset({"maria@acme.example"}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "takes a map"),
        ("role: [x]", 'no key "role"'),
        ("roles: vp", "a list of names"),
        ("roles: [csm]", "cannot be declared"),
        ("teams: {round_robin: x}", "cannot be declared"),
    ],
)
def test_bad_people_are_told(text: str, said: str) -> None:
    _, findings = read_people(text)

    assert said in findings[0].message


def test_another_playbook_is_known_by_its_inputs_and_the_plays_it_starts() -> None:
    text = (
        "playbook: a-b\ninputs: {n: {type: integer}, m: {type: text, default: x}}\nsteps:\n  - {id: x, play: c-d}\n  - {id: y, wiat: 3}\n"
    )

    known = read_playbook_ref(text, "a-b.yaml")

    assert known is not None
    assert {name: param.required for name, param in known.inputs.items()} == {"n": True, "m": False}
    assert (known.slug, known.plays) == ("a-b", ("c-d",))


@pytest.mark.parametrize("text", ["", "[", "- a", "steps: []", "\0"])
def test_a_file_that_is_no_playbook_is_none(text: str) -> None:
    assert read_playbook_ref(text, "x.yaml") is None
