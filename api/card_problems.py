"""What is refused about scorecards and the health of accounts; `api.problems` says what a problem is."""

from api.problems import Problem


class ScorecardRefused(Problem):
    """CARD001: the compiler found errors in a scorecard."""

    code, status, title = "CARD001", 422, "The scorecard has errors"
    advice = "Correct what the diagnostics say; each names its line and column."


class ScorecardNotFound(Problem):
    """CARD002: no scorecard (or version) has this name."""

    code, status, title = "CARD002", 404, "There is no such scorecard"
    advice = "GET /v1/scorecards lists them."


class HealthUnknown(Problem):
    """CARD003: no scorecard is for this account."""

    code, status, title = "CARD003", 404, "No scorecard is for this account"
    advice = "Publish a scorecard called default, which is for all that no other one is for; accounts that were lost have no health."


class OverrideNotFound(Problem):
    """CARD004: nobody says otherwise of this account's health."""

    code, status, title = "CARD004", 404, "The health of this account is not overridden"
    advice = "The computed score is what counts already."


class BacktestNotPossible(Problem):
    """CARD005: there is too little of the past to test a scorecard on."""

    code, status, title = "CARD005", 409, "There is too little of the past to test on"
    advice = "A backtest needs nightly snapshots that are older than the window of labels, 104 days, and accounts that were lost since."
