"""Secrets have no place in a file that is published, copied and shown."""

import re

from playbook_dsl.diagnostics import Report
from playbook_dsl.nodes import scalars
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.syntax import ActionBody

_HINT = "remove it, store it with the connection's credentials, and replace the key: whoever could read the file has it"
# Well-known keys: the vendor that gives them out, what must stand in the text for the pattern to be tried, and the pattern.
_KEYS = (
    ("a key of Stripe", ("sk_", "rk_", "whsec_"), r"\b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{10,}|\bwhsec_[0-9A-Za-z+/=]{16,}"),
    ("a key of SendGrid", ("SG.",), r"\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"),
    ("a key of Slack", ("xox", "xapp-"), r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}|\bxapp-[0-9A-Za-z-]{10,}"),
    ("a secret address of Slack", ("hooks.slack.com",), r"hooks\.slack\.com/services/[0-9A-Za-z/]{20,}"),
    ("a key of AWS", ("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a key of GitHub", ("gh", "github_pat_"), r"\bgh[opsur]_[0-9A-Za-z]{20,}|\bgithub_pat_[0-9A-Za-z_]{20,}"),
    ("a key of Google", ("AIza", "ya29."), r"\bAIza[0-9A-Za-z_-]{30,}|\bya29\.[0-9A-Za-z_-]{20,}"),
    ("a key of GitLab", ("glpat-",), r"\bglpat-[0-9A-Za-z_-]{16,}"),
    ("a key of Twilio", ("SK",), r"\bSK[0-9a-f]{32}\b"),
    ("a key of OpenAI or Anthropic", ("sk-",), r"\bsk-(?:ant-|proj-)?[0-9A-Za-z_-]{24,}"),
    ("a private key", ("PRIVATE KEY",), r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"),
    ("a signed token", ("eyJ",), r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}"),
    ("a password in an address", ("://",), r"\b[a-z][a-z0-9+.-]{1,20}://[^/\s:@{}]{1,80}:[^/\s:@{}]{3,80}@"),
)


def check_secrets(found: Resolution, report: Report) -> None:
    """PB601: no key of a known vendor stands in the file, comments included."""
    source = found.document.source
    for what, signs, pattern in _KEYS:
        if any(sign in source.text for sign in signs):
            for match in re.finditer(pattern, source.text):
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


def check_sealed_keys(found: Resolution, report: Report) -> None:
    """PB603: keys of `again` and strata of `holdout` are written down in clear, so nothing sealed goes into them."""
    enroll = found.playbook.enroll
    if enroll is None:
        return
    sealed = {tuple(fact.path.split(".")) for fact in found.catalog.facts if fact.sealed}
    named = [("again.key", enroll.again_key), *(("holdout.stratify", path) for path in (enroll.holdout.stratify if enroll.holdout else ()))]
    for use in found.uses:
        what = next((name for name, expression in named if expression is not None and expression.scalar is use.scalar), None)
        reference = next((one for one in use.checked.references if one.path in sealed), None) if what else None
        if reference is not None:
            span = found.document.place(use.scalar, reference.offset, reference.length)
            message = f'"{what}" is written down in clear, and "{".".join(reference.path)}" is sealed'
            report.error("PB603", span, message, hint="name what it belongs to, such as contact.id or account.id")
