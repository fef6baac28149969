"""What a model must pass before it scores anybody: the policy as data, and a verdict with its sentence for each gate.

`gather` measures, `judge` decides; the second is a pure function of numbers, so that its decisions can be written down as examples.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, Literal, TypeAlias

from scoring.models.design import Algorithm
from scoring.models.metrics import Figure, Json

Verdict: TypeAlias = Literal["promote", "shadow", "reject"]
OVERALL: Final = "overall_auc"
"""The name by which a person clears a suspicion against the model as a whole."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The bars.

    Args:
        ece: most calibration error.
        test_cases: cases the test window must hold; with fewer nothing that is measured there says anything.
        group_loss: most AUC a group may lose; groups with fewer cases or others than `group_cases` are not judged.
        feature_auc: above it a feature alone knows too much.
        overall_auc: from it on the model knows too much.
        shuffled_spread: how many standard errors the AUC of models trained on shuffled labels may lie from 0.5.
        additivity: most that explanations may miss the prediction by, in log-odds; it must be less.
        not_worse: share of the champion's log-loss a simpler model may be worse by.
    """

    ece: float = 0.03
    test_cases: int = 10
    group_loss: float = 0.05
    group_cases: int = 10
    feature_auc: float = 0.95
    overall_auc: float = 0.95
    shuffled_spread: float = 3.0
    additivity: float = 1e-6
    not_worse: float = 0.005


POLICY: Final = Policy()


@dataclass(frozen=True, slots=True)
class Rival:
    """How a model compares with what scores now, on the same rows.

    Args:
        name: `churn-6`, `scorecard`.
        difference: of the champion its log-loss less the model's; of a scorecard the model's AUC less its own. Above 0 the model is better.
        scale: the champion's log-loss.
        simpler: whether the model is simpler than it.
        groups: by group what the model loses of AUC against it; of groups large enough.
    """

    name: str
    difference: Figure
    scale: float = 1.0
    simpler: bool = False
    groups: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What was measured of a model on the test window.

    Args:
        auc, ece: of the model; `cases`: how many of the rows they were measured on are cases.
        features: AUC of each feature alone.
        shuffled: mean AUC of models trained on shuffled labels, and its standard error; None where it was not tried.
        additivity: largest gap of explanations, in log-odds.
        late_rows: rows of the panel that rest on something learned after their cutoff.
        champion: None for the first model. `scorecard`: None where there is none.
    """

    algorithm: Algorithm
    auc: float
    ece: float
    cases: int
    features: Mapping[str, float]
    shuffled: tuple[float, float] | None
    additivity: float
    late_rows: int = 0
    champion: Rival | None = None
    scorecard: Rival | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate.

    Args:
        name: of the gate.
        passed: whether it was.
        measured: the number; None where it could not be measured.
        bar: what it is held against, in words.
        why: a sentence that says what was found and what can be done.
        blocks: what happens if it is not passed: the model is rejected, or stays in shadow.
        feature: what a person may clear by its name.
    """

    name: str
    passed: bool
    measured: float | None
    bar: str
    why: str
    blocks: Literal["reject", "shadow"] = "shadow"
    feature: str | None = None

    def as_json(self) -> Json:
        """Give it for storing; an infinite or unknown number is null."""
        said = asdict(self)
        said["measured"] = self.measured if self.measured is not None and math.isfinite(self.measured) else None
        return said


@dataclass(frozen=True)
class Decision:
    """What becomes of a model, and every gate."""

    verdict: Verdict
    gates: tuple[Gate, ...]

    @property
    def blocked(self) -> tuple[Gate, ...]:
        """Give the gates that stand in the way."""
        return tuple(gate for gate in self.gates if not gate.passed)

    @property
    def why(self) -> str:
        """Say in a sentence or some what became of it."""
        if self.verdict == "promote":
            return f"It passed all {len(self.gates)} gates."
        start = "Rejected" if self.verdict == "reject" else "It stays in shadow"
        return f"{start}: " + " ".join(f"{gate.name}: {gate.why}" for gate in self.blocked)

    def as_json(self) -> list[Json]:
        """Give the gates for storing."""
        return [gate.as_json() for gate in self.gates]


def judge(found: Evidence, cleared: Collection[str] = (), policy: Policy = POLICY) -> Decision:
    """Decide.

    Args:
        found: what was measured.
        cleared: names of features (and `overall_auc`) a person looked at and found no leak in.
        policy: the bars.
    """
    gates = [
        _late(found),
        *_leaks(found, cleared, policy),
        _overall(found, cleared, policy),
        _shuffled(found, policy),
        _additive(found, policy),
        _enough(found, policy),
        _calibrated(found, policy),
        _better(found, policy),
        *_groups(found, policy),
    ]
    failed = [gate.blocks for gate in gates if not gate.passed]
    verdict: Verdict = "reject" if "reject" in failed else "shadow" if failed else "promote"
    return Decision(verdict, tuple(gates))


def _late(found: Evidence) -> Gate:
    late = found.late_rows
    why = (
        f"{late} rows rest on something learned after their cutoff, which nobody could have known; make those snapshots anew."
        if late
        else "No row rests on anything learned after its cutoff."
    )
    return Gate("snapshots in time", not late, late, "0 rows", why, "reject")


def _leaks(found: Evidence, cleared: Collection[str], policy: Policy) -> list[Gate]:
    bar = f"AUC of a feature alone <= {policy.feature_auc}"
    # What cannot be told (NaN) is no suspicion: such a feature says nothing at all.
    suspects = {name: area for name, area in found.features.items() if area > policy.feature_auc}
    if not suspects:
        most = max(found.features.items(), key=lambda each: each[1], default=("", math.nan))
        return [Gate("no feature knows too much", True, most[1], bar, f'The strongest alone is "{most[0]}".', "reject")]
    advice = "it may be written after what is to be foreseen. Look at it, then leave it out or clear it by name."
    gates = []
    for name, area in sorted(suspects.items()):
        why = f'"{name}" alone reaches {area:.3f}' + (", and somebody found no leak in it." if name in cleared else f"; {advice}")
        gates.append(Gate("no feature knows too much", name in cleared, area, bar, why, "reject", name))
    return gates


def _overall(found: Evidence, cleared: Collection[str], policy: Policy) -> Gate:
    alarm = found.auc >= policy.overall_auc
    passed = not alarm or OVERALL in cleared
    why = f"{found.auc:.3f} on the test window"
    why += (
        f'; so much is seldom true of churn. Look for features that know the outcome, or clear "{OVERALL}".'
        if alarm and not passed
        else "."
    )
    return Gate("no leak overall", passed, found.auc, f"AUC < {policy.overall_auc}", why, "reject", OVERALL if alarm else None)


def _shuffled(found: Evidence, policy: Policy) -> Gate:
    bar = f"0.5 within {policy.shuffled_spread:g} standard errors"
    if found.shuffled is None:
        return Gate("nothing learned from shuffled labels", False, None, bar, "It was not tried; try it before a promotion.", "reject")
    mean, error = found.shuffled
    passed = abs(mean - 0.5) <= policy.shuffled_spread * error
    why = f"Trained on shuffled labels the AUC is {mean:.3f} with a standard error of {error:.3f}"
    why += "." if passed else "; the way of training lets labels through, so nothing it measures can be trusted. Report it."
    return Gate("nothing learned from shuffled labels", passed, mean, bar, why, "reject")


def _additive(found: Evidence, policy: Policy) -> Gate:
    passed = found.additivity < policy.additivity
    why = f"Contributions miss the predictions by {found.additivity:.1e} log-odds at most"
    why += "." if passed else "; the reasons shown would not be those of the score. Report it."
    return Gate("explanations add up", passed, found.additivity, f"< {policy.additivity:g} log-odds", why, "reject")


def _enough(found: Evidence, policy: Policy) -> Gate:
    passed = found.cases >= policy.test_cases
    why = f"The newest closed window holds {found.cases} cases"
    why += "." if passed else ", too few to measure anything by; wait, or promote it by hand if you trust it."
    return Gate("enough to measure by", passed, found.cases, f">= {policy.test_cases} cases", why)


def _calibrated(found: Evidence, policy: Policy) -> Gate:
    passed = found.ece <= policy.ece
    why = f"Probabilities miss the rates by {found.ece:.3f} on average"
    why += "." if passed else "; scores would promise what does not come true. More rows in the calibration window help."
    return Gate("calibration", passed, found.ece, f"ECE <= {policy.ece}", why)


def _better(found: Evidence, policy: Policy) -> Gate:
    if found.champion is not None:
        return _better_than_champion(found.champion, policy)
    rival = found.scorecard
    bar = "AUC above what scores now"
    if rival is None:
        return Gate("better than the scorecard", False, None, bar, "No scorecard's scores were given, and the first model must beat one.")
    passed = rival.difference.value > 0
    why = f"Its AUC less that of {rival.name} is {rival.difference}"
    why += "." if passed else "; the scorecard goes on scoring. More cases, or better measures, may change that."
    return Gate("better than the scorecard", passed, rival.difference.value, bar, why)


def _better_than_champion(rival: Rival, policy: Policy) -> Gate:
    difference = rival.difference
    bar = "95 % interval of the log-loss saved above 0, or not worse and simpler"
    saved = f"Against {rival.name} it saves {difference} log-loss"
    if difference.low > 0:
        return Gate("better than the champion", True, difference.value, bar, f"{saved}.")
    worse = difference.value < -policy.not_worse * rival.scale or difference.high < 0
    if rival.simpler and not worse:
        return Gate("better than the champion", True, difference.value, bar, f"{saved}, which is not worse, and it is simpler.")
    why = f"{saved}; " + ("it is worse, and the champion goes on." if worse else "that may be chance, and the champion goes on.")
    return Gate("better than the champion", False, difference.value, bar, why)


def _groups(found: Evidence, policy: Policy) -> Sequence[Gate]:
    rival = found.champion or found.scorecard
    bar = f"no group loses more than {policy.group_loss} AUC"
    if rival is None or not rival.groups:
        return [Gate("fair to groups", True, None, bar, f"No group has {policy.group_cases} cases and others, so none could be judged.")]
    losers = {name: loss for name, loss in rival.groups.items() if loss > policy.group_loss}
    most = max(rival.groups, key=lambda name: rival.groups[name])
    if not losers:
        return [
            Gate(
                "fair to groups",
                True,
                rival.groups[most],
                bar,
                f"Of {len(rival.groups)} groups {most} loses most, {rival.groups[most]:.3f}.",
            )
        ]
    return [
        Gate(
            "fair to groups",
            False,
            loss,
            bar,
            f"{name} loses {loss:.3f} AUC against {rival.name}; those accounts would be judged worse than now.",
        )
        for name, loss in sorted(losers.items())
    ]
