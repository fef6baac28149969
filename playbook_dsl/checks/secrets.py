"""Secrets have no place in a file that is published, copied and shown."""

import re

from playbook_dsl.diagnostics import Report
from playbook_dsl.nodes import scalars
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.syntax import ActionBody

_HINT = "remove it, store it with the connection's credentials, and replace the key: whoever could read the file has it"
# Well-known beginnings of keys, each with the vendor that gives them out.
_KEYS = (
    ("Stripe", r"\b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{10,}|\bwhsec_[0-9A-Za-z+/=]{16,}"),
    ("SendGrid", r"\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"),
    ("Slack", r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}|\bxapp-[0-9A-Za-z-]{10,}|hooks\.slack\.com/services/[0-9A-Za-z/]{20,}"),
    ("AWS", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("GitHub", r"\bgh[opsur]_[0-9A-Za-z]{20,}|\bgithub_pat_[0-9A-Za-z_]{20,}"),
    ("Google", r"\bAIza[0-9A-Za-z_-]{30,}|\bya29\.[0-9A-Za-z_-]{20,}"),
    ("GitLab", r"\bglpat-[0-9A-Za-z_-]{16,}"),
    ("Twilio", r"\bSK[0-9a-f]{32}\b"),
    ("OpenAI or Anthropic", r"\bsk-(?:ant-|proj-)?[0-9A-Za-z_-]{24,}"),
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    ("a signed token", r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}"),
    ("a password in an address", r"\b[a-z][a-z0-9+.-]{1,20}://[^/\s:@{}]{1,80}:[^/\s:@{}]{3,80}@"),
)
_ANY = re.compile("|".join(f"(?P<k{number}>{pattern})" for number, (_, pattern) in enumerate(_KEYS)))


def check_secrets(found: Resolution, report: Report) -> None:
    """PB601: no key of a known vendor stands in the file, comments included."""
    source = found.document.source
    for match in _ANY.finditer(source.text):
        vendor = _KEYS[int((match.lastgroup or "k0")[1:])][0]
        what = vendor if vendor.startswith("a ") else f"a key of {vendor}"
        report.error("PB601", source.span(match.start(), match.end()), f"this looks like {what}", hint=_HINT)


def check_sensitive_inputs(found: Resolution, report: Report) -> None:
    """PB602: what an action calls sensitive is not written into the file."""
    for place in found.places:
        body = place.step.body
        action = found.catalog.actions.get(body.action.text) if isinstance(body, ActionBody) else None
        if not isinstance(body, ActionBody) or action is None:
            continue
        for entry in body.inputs.entries:
            literal = [part for part in scalars(entry.value) if part.text and "{{" not in part.text]
            if entry.key.text in action.sensitive and literal:
                message = f'"{entry.key.text}" of "{action.name}" is sensitive and must not stand in the file'
                report.error("PB602", literal[0].span, message, hint="store it with the connection's credentials")
