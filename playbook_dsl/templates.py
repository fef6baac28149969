"""Message templates: front matter and a Jinja2 body whose names are checked against the facts at publish time."""

from collections.abc import Mapping
from functools import lru_cache

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from playbook_dsl.catalog import TemplateDef
from playbook_dsl.plan import Message
from playbook_dsl.types import TEXT, Type, record

# Bodies are Markdown: HTML is escaped where Markdown becomes HTML.
ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)

MESSAGE_NAMES: Mapping[str, Type] = {
    "recipient": record({"name": TEXT, "first_name": TEXT, "email": TEXT}),
    "sender": record({"name": TEXT, "email": TEXT}),
}
"""What message templates may read besides the names of their step: who gets the message and whose name it bears."""


def message_of(template: TemplateDef) -> Message:
    """Give the template as it stands now, with the root names its source reads."""
    return Message(
        name=template.name,
        channel=template.channel,
        subject=template.subject,
        body=template.body,
        reads=names_read(template.subject, template.body),
    )


@lru_cache(maxsize=512)
def names_read(*sources: str) -> tuple[str, ...]:
    """Give the root names that Jinja2 sources read, sorted; of a source that is not Jinja2 none."""
    found: set[str] = set()
    for source in sources:
        try:
            found |= meta.find_undeclared_variables(ENVIRONMENT.parse(source))
        except (jinja2.TemplateSyntaxError, RecursionError):
            continue
    return tuple(sorted(found - set(ENVIRONMENT.globals)))
