"""A question with buttons: what a person sees who is asked for approval, and what the buttons are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

Block: TypeAlias = dict[str, Any]
"""Block Kit, as Slack describes it."""

APPROVE: Final = "playkeeper:approve"
REJECT: Final = "playkeeper:reject"
ANSWERS: Final[Mapping[str, str]] = {APPROVE: "approve", REJECT: "reject"}
# Slack refuses a text of more than 3,000 characters, and one `&` becomes five of them.
_LONGEST: Final = 599


@dataclass(frozen=True)
class Asked:
    """What is asked: the question, why it is asked, about whom, and until when an answer counts."""

    title: str
    why: str = ""
    account: str = ""
    due_at: datetime | None = None

    def closed(self, words: str) -> str:
        """Give what the message says when there is nothing to press any more."""
        title = self.title if len(self.title) <= _LONGEST else f"{self.title[:_LONGEST]}…"
        return f"{title}\n{words}"


def plain(text: str) -> str:
    """Keep Slack from reading commands such as `<!channel>` out of a value."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def question(item: str, asked: Asked) -> list[Block]:
    """Give the blocks of a question; the buttons carry the id of the item in the inbox, and nothing is decided by the message itself."""
    particulars = [_short(text) for text in (asked.account, asked.why) if text]
    if asked.due_at is not None:
        particulars.append(f"Until {_moment(asked.due_at)}")
    blocks = [_section(_short(asked.title))]
    if particulars:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in particulars]})
    buttons = [_button("Approve", APPROVE, "primary", item), _button("Reject", REJECT, "danger", item)]
    return [*blocks, {"type": "actions", "elements": buttons}]


def outcome_in_words(status: str, approved: object, outcome: str | None, by: str | None) -> str:
    """Say who decided what; `status` is the item's, `outcome` why it was closed without its own answer."""
    if status == "done" and isinstance(approved, bool):
        return f"{'Approved' if approved else 'Rejected'}{f' by {by}' if by else ''}."
    return f"No answer is needed any more{f': {outcome}' if outcome else ''}."


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _short(text: str) -> str:
    """Cut a text, before it is made plain: half of an `&amp;` would show."""
    return plain(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def _moment(at: datetime) -> str:
    """Give a time that Slack shows in each reader's own zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def _button(label: str, action: str, style: str, item: str) -> Block:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": action, "style": style, "value": item}
