"""Why an account is in a playbook, was, or never was: everything that is known, in words and for programs."""

from datetime import UTC, datetime

from api.problems import AccountNotFound, PlaybookNotFound
from api.schemas.why import ArmOut, FactOut, LimitOut, QueueOut, RefusalOut, RuleOut, TriggerOut, WhyOut, WouldBe
from api.services.enrollments import enrollment_out
from api.services.why_words import QUESTIONS, limit_words, summary_of, waits_for
from enrollment.deciding import Verdict
from enrollment.watching import Facts, needs_event, now_of, watched_by
from playbook_dsl.enrollment import Trigger
from playbook_dsl.explain.enrollment import trigger_words
from playbook_dsl.timing.cron import next_times
from playbook_dsl.timing.errors import TimingError
from storage.enrollment.explaining import Explained, explain_account
from storage.enrollment.published import Published, published
from storage.repositories.playbooks import find_version, list_versions
from storage.session import Session


async def explain(session: Session, slug: str, account: str, key: str | None = None) -> WhyOut:
    """Say why. Nothing is written.

    Raises:
        PlaybookNotFound: there is no such playbook.
        AccountNotFound: there is no such account.
    """
    now = datetime.now(UTC)
    playbook, is_published = await _playbook(session, slug)
    found = await explain_account(session, playbook, account, now, key)
    if found is None:
        raise AccountNotFound(f'There is no account "{account[:80]}"; import it first, or correct the id.')
    limits = _limits(found)
    return WhyOut(
        account=account,
        name=found.rows.account.name,
        playbook=slug,
        title=playbook.plan.title,
        version=playbook.version,
        published=is_published,
        key=found.key,
        at=now,
        summary=summary_of(found, limits, is_published=is_published),
        would=_would(found, is_published=is_published),
        rules=[_rule(verdict, found) for verdict in found.decision.verdicts],
        limits=limits,
        enrollments=[enrollment_out(row) for row in found.opened],
        history=[enrollment_out(row) for row in found.ended],
        queue=[QueueOut(enrollment=one.row.id, place=one.place, of=one.of, waits_for=waits_for(one, limits)) for one in found.waits],
        last_refusal=RefusalOut.model_validate(found.refusal.model_dump()) if found.refusal else None,
        arm=ArmOut.model_validate(found.arm.model_dump()) if found.arm else None,
        triggers=[_trigger(trigger, found.facts, now) for trigger in found.rules.enroll.triggers],
    )


async def _playbook(session: Session, slug: str) -> tuple[Published, bool]:
    version = await find_version(session, slug)
    if version is not None:
        return published(session.tenant, version), True
    newest = (await list_versions(session, slug, limit=1)).items
    if not newest:
        raise PlaybookNotFound(f'There is no playbook "{slug}"; GET /v1/playbooks lists them.')
    return published(session.tenant, newest[0]), False


def _would(found: Explained, *, is_published: bool) -> WouldBe:
    if not is_published:
        return WouldBe(state="refused", reason="not_published", detail="the playbook is not published, and takes nobody in")
    decision = found.decision
    return WouldBe(state=decision.state, reason=decision.reason, detail=decision.detail, until=decision.until)


def _rule(verdict: Verdict, found: Explained) -> RuleOut:
    return RuleOut(
        rule=verdict.rule,
        question=QUESTIONS[verdict.rule],
        answer=verdict.answer,
        value=verdict.value,
        at=verdict.at,
        facts=[FactOut(path=fact.path, value=fact.value) for source in _sources(verdict, found) for fact in found.facts.of(source)],
    )


def _sources(verdict: Verdict, found: Explained) -> list[str]:
    enroll = found.rules.enroll
    match verdict.rule:
        case "audience":
            return [enroll.audience] if enroll.audience else []
        case "suppress":
            return [line.when for line in enroll.suppress if verdict.value.startswith(f"{line.when} (")]
        case "again":
            return [source for source in (enroll.again_after, enroll.again_key) if source]
        case "holdout":
            paths = (enroll.holdout or {}).get("stratify")
            return [str(path) for path in paths] if isinstance(paths, list) else []
    return []


def _limits(found: Explained) -> list[LimitOut]:
    rules, room, owner = found.rules, found.room, found.rows.account.csm
    limits = []
    if rules.at_once is not None:
        limits.append(LimitOut(name="at_once", used=room.active, limit=rules.at_once, words=""))
    if rules.per_day is not None:
        limits.append(LimitOut(name="per_day", used=room.today, limit=rules.per_day, words=""))
    if rules.per_owner is not None and owner is not None:
        limits.append(LimitOut(name="per_owner", used=room.begun.get(owner, 0), limit=rules.per_owner.count, words=""))
    return [limit.model_copy(update={"words": limit_words(limit, rules, owner or "")}) for limit in limits]


def _trigger(trigger: Trigger, facts: Facts, now: datetime) -> TriggerOut:
    asked = trigger.when is not None and not needs_event(trigger.when)
    shown = {fact.path: fact for fact in (*(facts.fact(path) for path in watched_by(trigger)), *facts.of(trigger.when))}
    return TriggerOut(
        id=trigger.id,
        kind=trigger.kind,
        words=trigger_words(trigger),
        now=now_of(trigger, facts.scope),
        condition=facts.holds(trigger.when) if trigger.when and asked else None,
        next_at=_next_at(trigger, now) if trigger.kind == "schedule" else None,
        facts=[FactOut(path=fact.path, value=fact.value) for fact in shown.values()],
    )


def _next_at(trigger: Trigger, now: datetime) -> datetime | None:
    plan = trigger.spec.get("schedule")
    cron, zone = (plan.get("cron"), plan.get("timezone")) if isinstance(plan, dict) else (plan, None)
    try:
        times = next_times(str(cron), str(zone or "UTC"), now, 1)
    except TimingError:
        return None
    return times[0] if times else None
