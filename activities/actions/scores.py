"""`score.churn`, `score.expansion` and `score.health`."""

from activities.definitions.contract import ActionContract, ActionOutput
from activities.definitions.scores import SCORE_CHURN, SCORE_EXPANSION, SCORE_HEALTH, HealthOutput, ScoreInput, ScoreOutput
from activities.effects import Action, Inputs, Outcome, ReadAction, Work
from activities.failures import NoCustomer, NoScore, NotFound
from activities.reading import output_of, read_inputs
from activities.scoring.serving import NoCustomer as Lost
from activities.scoring.serving import NoSuchAccount, Serving
from scoring.predictions import Target
from scoring.serve import ALL_AWAY, refusal
from storage.session import Session


def score_actions(serving: Serving) -> tuple[Action, ...]:
    """Give the actions that score."""
    return Score(SCORE_CHURN, "churn", serving), Score(SCORE_EXPANSION, "expansion", serving), LookAtHealth(serving)


class Score(ReadAction):
    """Scores the account now. What comes of it is written down, as every score is; nothing of that is to be taken back."""

    def __init__(self, contract: ActionContract, target: Target, serving: Serving) -> None:
        """Score this target."""
        self.contract = contract
        self._target = target
        self._serving = serving

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Read what is allowed."""
        return {"allow": read_inputs(ScoreInput, work.call).allow}

    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Ask the chain."""
        try:
            answer = await self._serving.score(work.run.tenant, work.run.account, self._target)
        except NoSuchAccount as error:
            raise NotFound(str(error)) from error
        except Lost as error:
            raise NoCustomer(f'step "{work.call.key}" gets no score: {error}') from error
        refused, said = refusal(answer, request["allow"]), answer.prediction
        if refused is not None or said is None:
            code, why = refused or (ALL_AWAY, answer.why)
            raise NoScore(code, f'step "{work.call.key}" gets no score: {why}')
        output = ScoreOutput(
            score=said.score,
            probability=said.probability,
            level=said.level,
            top_factors=[factor.words for factor in said.factors],
            source=said.source,
            model_version=said.model_version,
            as_of=said.as_of,
            stale=said.stale,
            coverage=said.coverage,
        )
        return _outcome(output, "; ".join(f"{each.link}: {each.why}" for each in answer.failed))


class LookAtHealth(ReadAction):
    """Gives the newest health."""

    contract = SCORE_HEALTH

    def __init__(self, serving: Serving) -> None:
        """Ask this."""
        self._serving = serving

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Read what is allowed."""
        return {"allow": read_inputs(ScoreInput, work.call).allow}

    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Look it up."""
        try:
            found = await self._serving.health(work.run.tenant, work.run.account)
        except NoSuchAccount as error:
            raise NotFound(str(error)) from error
        health = found.health
        if health is None:
            raise NoScore(ALL_AWAY, f'step "{work.call.key}" gets no health: none was computed for this account, and nobody told one')
        if found.stale and request["allow"] != "stale":
            said = f"the newest is from {health.as_of:%Y-%m-%d %H:%M} UTC, and only a new one is wanted here"
            raise NoScore(ALL_AWAY, f'step "{work.call.key}" gets no health: {said}')
        output = HealthOutput(
            score=health.score,
            level=found.band,
            top_factors=list(health.words),
            source="scorecard",
            model_version=health.version,
            as_of=health.as_of,
            stale=found.stale,
            coverage=health.coverage,
        )
        return _outcome(output, "")


def _outcome(output: ActionOutput, note: str) -> Outcome:
    return Outcome(output_of(output), note=note or None)
