"""Bodies of the routes about impact, power, and revenue at risk."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.runs import Body

Word = Literal["effective", "harmful", "inconclusive", "too_early"]


class EstimateOut(BaseModel):
    """A figure with its interval; a bound that is null is not known."""

    value: float | None = Field(examples=[-0.031])
    low: float | None = Field(examples=[-0.058])
    high: float | None = Field(examples=[-0.004])
    level: float = Field(default=0.95, examples=[0.95], description="Share of all experiments whose interval holds the truth.")


class SideOut(BaseModel):
    """One arm of a comparison."""

    accounts: int = Field(examples=[850], description="Accounts whose time is over and of which this is known.")
    unknown: int = Field(default=0, examples=[4], description="Accounts whose time is over and of which it is not known; not counted.")
    value: float | None = Field(examples=[0.062])
    low: float | None = Field(default=None, examples=[0.048])
    high: float | None = Field(default=None, examples=[0.08])


class MeasureOut(BaseModel):
    """One measure, compared between both arms."""

    measure: str = Field(examples=["churn"])
    words: str = Field(examples=["the share of accounts that were lost"])
    unit: str = Field(examples=["share"], description="share, money (a year, in the tenant's currency), points or logins.")
    good: Literal["lower", "higher"] = Field(examples=["lower"])
    decides: bool = Field(examples=[True], description="Whether the verdict rests on it; all others only describe.")
    treated: SideOut
    control: SideOut
    effect: EstimateOut = Field(description="Treated minus control. The interval holds for one look; only planned looks decide.")
    smallest_detectable: float | None = Field(examples=[0.03], description="What would be found in 4 of 5 cases; null: nothing would.")
    variance_removed: float = Field(default=0.0, examples=[0.31], description="By what was known before (CUPED).")
    unknown: dict[str, int] = Field(default_factory=dict, examples=[{"revenue_unknown": 4}], description="Why it is not known.")
    method: str


class ArmOut(BaseModel):
    """How far one arm is."""

    drawn: int = Field(examples=[1000])
    matured: int = Field(examples=[850], description="Their time in the experiment is over; only these count.")
    under_way: int = Field(examples=[150])
    played: int = Field(examples=[990], description="Of those drawn, how many were played at all. They count as drawn, whatever happened.")


class PowerNow(BaseModel):
    """What could be seen with the accounts whose time is over."""

    base_rate: float | None = Field(examples=[0.09], description="Of churn among those left alone.")
    smallest_reduction: float | None = Field(examples=[0.37], description="Relative, 0 to 1; null: none.")
    words: str


class LookOut(BaseModel):
    """A planned look that was taken."""

    look: int = Field(examples=[1])
    taken_at: datetime
    taken_by: str | None = Field(examples=["maria"])
    boundary: float = Field(examples=[3.93], description="Standard errors the effect had to be away from nothing.")
    effect: EstimateOut = Field(description="With the interval that holds at this look of the plan.")
    treated: int
    control: int
    verdict: Word
    words: str


class PlanOut(BaseModel):
    """What decides and when the data are looked at, laid down with the first draw or before; publishing does not change it."""

    measure: str = Field(examples=["churn"], description="The measure that decides.")
    watched: str = Field(examples=["60 days"], description="How long each account is watched.")
    version: int | None = Field(default=None, examples=[3], description="It was taken from; null before it is laid down.")
    laid_at: datetime | None = Field(default=None, description="When it was laid down; null before.")
    differs: str | None = Field(default=None, description="What the published version says instead, in words; null: the same.")
    looks: int = Field(examples=[12])
    every_days: int = Field(examples=[30])
    taken: list[LookOut] = Field(default_factory=list)
    next_look: int | None = Field(default=None, examples=[2], description="Null when the last one was taken.")
    next_at: datetime | None = Field(default=None, description="When it may be taken; null before anybody was drawn.")
    due: bool = Field(default=False, examples=[False])


class OtherPlaybook(BaseModel):
    """Another playbook that played accounts of this experiment in their time."""

    playbook: str = Field(examples=["onboarding"])
    treated: int = Field(examples=[120])
    control: int = Field(examples=[20])
    difference: EstimateOut = Field(description="Of the shares, treated minus control.")
    differs: bool = Field(description="Whether it touched one arm more than the other, beyond chance.")


class SideShares(BaseModel):
    """Accounts of each arm."""

    treated: int = Field(examples=[130])
    control: int = Field(examples=[22])


class Contamination(BaseModel):
    """What else happened to the accounts of both arms."""

    control_played: int = Field(examples=[3], description="Left alone by the draw, and played all the same. They stay in their arm.")
    control_played_share: float = Field(examples=[0.02])
    touched_by_others: SideShares
    others: list[OtherPlaybook] = Field(default_factory=list)


class EffortOut(BaseModel):
    """What was done for the treated accounts whose time is over."""

    tasks: int = Field(examples=[410])
    emails: int = Field(examples=[1230])
    sms: int = Field(examples=[0])
    discounts: float = Field(examples=[3600.0], description="In money.")
    discounts_unknown: int = Field(default=0, description="Discounts whose amount is not known; not counted.")


class MoneyOut(BaseModel):
    """Impact in money, of the treated accounts whose time is over. Every figure with its interval."""

    currency: str = Field(examples=["EUR"])
    treated_arr: float = Field(examples=[5_100_000.0], description="What they paid a year when they were drawn.")
    saved: EstimateOut = Field(description="Fewer lost × what they paid.")
    expanded: EstimateOut = Field(description="More bought, a year.")
    net: EstimateOut = Field(description="Difference of yearly revenue an account × accounts; holds saved and expanded.")
    effort: EffortOut
    cost: EstimateOut
    roi: EstimateOut | None = Field(description="(net - cost) / cost; null when nothing was spent.")
    assumptions: list[str]


class ImpactOut(BaseModel):
    """What a playbook changed, compared with those it left alone."""

    playbook: str = Field(examples=["at-risk-save"])
    title: str = Field(examples=["Save accounts at risk"])
    verdict: Word
    words: list[str] = Field(description="What may be concluded, in sentences.")
    holdout: float = Field(examples=[0.15], description="Share that is left alone; 0: nobody is.")
    decides: str = Field(examples=["churn"], description="The measure the verdict rests on.")
    window_days: float = Field(examples=[45], description="How long each account is watched, from its draw.")
    arms: dict[str, ArmOut] = Field(default_factory=dict)
    measures: list[MeasureOut] = Field(default_factory=list)
    power: PowerNow | None = None
    plan: PlanOut | None = None
    contamination: Contamination | None = None
    money: MoneyOut | None = None


class PlanLooks(Body):
    """Lay down how often the data are looked at."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"looks": 6, "every_days": 30}]})
    looks: Annotated[int, Field(ge=1, le=52)] = 12
    every_days: Annotated[int, Field(ge=1, le=365)] = 30


class BaseRateOut(BaseModel):
    """How many are lost without the playbook, and how that is known."""

    value: float | None = Field(examples=[0.08])
    low: float | None = Field(examples=[0.07])
    high: float | None = Field(examples=[0.09])
    source: Literal["predicted", "observed", "given", "unknown"]
    accounts: int = Field(examples=[2400], description="That it rests on.")


class Needed(BaseModel):
    """How many accounts it takes to see a reduction."""

    reduction: float = Field(examples=[0.3], description="Relative.")
    per_arm: int = Field(examples=[1353], description="With two equal arms.")
    in_all: int = Field(examples=[5320], description="With this share held out.")


class AtBaseRate(BaseModel):
    """What could be shown if so many were lost anyway."""

    base_rate: float = Field(examples=[0.1])
    smallest_reduction: float | None = Field(examples=[0.37], description="Relative, 0 to 1; null: none can be shown.")


class PowerOut(BaseModel):
    """What an experiment could show, before it is begun."""

    playbook: str = Field(examples=["at-risk-save"])
    version: int = Field(examples=[3])
    eligible: int = Field(examples=[3000], description="Accounts in the audience now.")
    share: float = Field(examples=[0.2], description="Held out.")
    days: float = Field(examples=[90], description="How long each account is watched.")
    watched: str = Field(examples=["90 days"], description="The same in words.")
    treated: int
    control: int
    base_rate: BaseRateOut
    smallest_reduction: float | None = Field(examples=[0.37], description="Relative, 0 to 1; null: none can be shown.")
    needed: list[Needed]
    at_base_rates: list[AtBaseRate] = Field(default_factory=list, description="Where the base rate is not known: what some would show.")
    provable: bool = Field(description="Whether a third fewer losses could be seen.")
    words: list[str]


class RiskPart(BaseModel):
    """Accounts of a group whose probabilities are of one kind."""

    accounts: int = Field(examples=[255])
    arr: float = Field(examples=[1_220_000.0])
    at_risk: EstimateOut = Field(description="Bounds are null where the probabilities are not calibrated.")


class RiskGroup(BaseModel):
    """Revenue at risk of a group of accounts."""

    group: str = Field(examples=["growth"])
    accounts: int = Field(examples=[320])
    arr: float = Field(examples=[1_920_000.0])
    at_risk: EstimateOut = Field(description="Of both parts together; bounds are null as soon as stand-ins are among them.")
    share: float | None = Field(examples=[0.06], description="Of the group's yearly revenue.")
    by_model: RiskPart = Field(description="Accounts with a probability of a model.")
    by_stand_in: RiskPart = Field(description="Accounts a scorecard stood in for; their probabilities are not calibrated.")


class RiskOut(BaseModel):
    """Yearly revenue that is expected to be lost: the sum of p × ARR over all customers with a churn score."""

    currency: str = Field(examples=["EUR"])
    total: RiskGroup
    groups: list[RiskGroup]
    left_out: dict[str, int] = Field(examples=[{"no_score": 12}], description="Accounts that are not counted, by why.")
    left_out_arr: float = Field(examples=[72_000.0], description="What those without a score pay a year.")
    oldest_score_at: datetime | None = None
    words: list[str] = Field(description="How much of it rests on a model, and how much on stand-ins.")
    assumptions: list[str]


class ImpactLine(BaseModel):
    """One playbook on the page for executives."""

    playbook: str = Field(examples=["at-risk-save"])
    title: str
    verdict: Word
    words: str
    treated: int = Field(examples=[850])
    control: int = Field(examples=[150])
    churn: EstimateOut | None = Field(default=None, description="Treated minus control.")
    churn_without: float | None = Field(default=None, description="Of those left alone.")
    net: EstimateOut | None = Field(default=None, description="Yearly revenue, treated accounts together.")
    cost: EstimateOut | None = None
    roi: EstimateOut | None = None


class ImpactPage(BaseModel):
    """Risk, revenue and impact on one page."""

    currency: str
    risk: RiskGroup
    playbooks: list[ImpactLine]
    without_holdout: list[str] = Field(description="Published playbooks of whose effect nothing can be said.")
    words: list[str]
