"""Which of two values of a field stays: the conflict rule."""

from datetime import datetime

from playbook_dsl.values import Json
from storage.sync.items import Item, Tally
from storage.sync.mapping import OURS, FieldRule


def decide(
    rule: FieldRule, item: Item, now_here: Json, tally: Tally, *, vendor: str, is_new: bool, changed_here_at: datetime | None
) -> Json:
    """Give the value a field gets: the vendor's, or the one that is here. One left alone is counted and explained.

    What a sync last wrote is kept beside the record; when something else is here, somebody changed it here since.
    """
    theirs = item.values[rule.target]
    if is_new:
        return theirs
    why = None
    if theirs != now_here:
        why = _why_left(rule, item, now_here, vendor=vendor, changed_here_at=changed_here_at)
    if why is None:
        return theirs
    tally.skip(item.external_id, rule.target, why)
    # What was last written is still what a later change here is told by.
    if item.seen is not None and rule.target in item.seen.read:
        item.kept[rule.target] = last_written(item, rule.target)
    return now_here


def _why_left(rule: FieldRule, item: Item, now_here: Json, *, vendor: str, changed_here_at: datetime | None) -> str | None:
    if rule.owner != vendor:
        return "it belongs to us" if rule.owner == OURS else f"it belongs to {rule.owner}"
    if rule.changed_here == "overwrite" or item.seen is None or rule.target not in item.seen.read:
        return None
    if now_here == last_written(item, rule.target):
        return None
    if rule.changed_here == "keep":
        return "somebody changed it here, and that stays"
    if changed_here_at is not None and (item.changed_at is None or changed_here_at > item.changed_at):
        return "somebody changed it here after it was changed there"
    return None


def last_written(item: Item, target: str) -> Json:
    """Give what a sync last wrote into a field; None when it never did."""
    if item.seen is None:
        return None
    return item.seen.kept.get(target, item.seen.read.get(target))
