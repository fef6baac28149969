"""Keys that authors bring along from other tools, and what they are called here."""

from collections.abc import Collection

# Each word with the keys it may mean here; the first that is legal at the place is meant.
_CALLED = {
    "when": ("if",),
    "condition": ("if",),
    "elif": ("if",),
    "elsif": ("if",),
    "else_if": ("if",),
    "unless": ("if",),
    "then": ("steps",),
    "do": ("steps",),
    "tasks": ("steps",),
    "actions": ("steps",),
    "jobs": ("steps",),
    "name": ("title", "playbook"),
    "label": ("title",),
    "description": ("note", "title", "help"),
    "comment": ("note",),
    "delay": ("wait",),
    "sleep": ("wait",),
    "pause": ("wait",),
    "wait_for": ("wait_until",),
    "foreach": ("for_each",),
    "each": ("for_each",),
    "loop": ("for_each", "repeat"),
    "while": ("repeat",),
    "until": ("repeat",),
    "switch": ("branch",),
    "choose": ("branch",),
    "approval": ("approve",),
    "form": ("ask",),
    "subflow": ("play",),
    "call": ("play",),
    "variables": ("set", "inputs"),
    "vars": ("set", "inputs"),
    "params": ("inputs", "with"),
    "parameters": ("inputs", "with"),
    "inputs": ("with",),
    "trigger": ("enroll", "when"),
    "triggers": ("enroll", "when"),
    "segment": ("audience", "enroll"),
    "filter": ("audience", "where"),
    "timezone": ("zone",),
    "holidays": ("calendar",),
    "catch": ("on_error",),
    "rollback": ("undo",),
    "compensate": ("undo",),
    "retries": ("retry",),
    "assignee": ("owner",),
    "assigned_to": ("owner",),
    "due_date": ("due",),
    "recipient": ("to",),
    "recipients": ("to",),
    "deadline": ("up_to", "due"),
    "timeout": ("up_to", "at_most"),
    "max": ("at_most",),
    "success": ("goal",),
    "exit_criteria": ("exit",),
    "exits": ("exit",),
    "id": ("playbook",),
}
_SAID = {
    "uses": "the action is the key itself: task.create: {…}",
    "with": "the inputs stand below the action: task.create: {title: …}",
    "type": "the verb is the key itself: task.create: {…}, or wait: 3 days",
    "run": "the verb is the key itself: task.create: {…}, or wait: 3 days",
    "action": "the action is the key itself: task.create: {…}",
    "needs": "steps are done one after the other; side by side they stand in a parallel",
    "depends_on": "steps are done one after the other; side by side they stand in a parallel",
    "next": "there are no jumps: steps are done one after the other, and a branch chooses",
    "goto": "there are no jumps: steps are done one after the other, and a branch chooses",
}


def other_name(word: str, legal: Collection[str]) -> str | None:
    """Give the hint for a key of another tool: what it is called here, where that is legal; None for a word nobody brings along."""
    plain = word.lower().replace("-", "_").replace(" ", "_")
    here = next((key for key in _CALLED.get(plain, ()) if key in legal), None)
    if here is not None:
        return f'here it is called "{here}"'
    return _SAID.get(plain) if "id" in legal else None
