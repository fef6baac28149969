"""What can go wrong with scores and the models that give them; part of the tree in `api.problems`."""

from api.problems import Problem


class OnlyStandIn(Problem):
    """ML001: the best scorer failed, and the request takes no other's word."""

    code, status, title = "ML001", 503, "Only a stand-in could give this score"
    advice = "Ask again in half a minute, or take a stand-in's word with allow: fallback."


class ScoreUnavailable(Problem):
    """PRED001: nobody can score the account, or only a score from before is there and the request takes none."""

    code, status, title = "PRED001", 503, "There is no score now"
    advice = "What failed is listed under failed; give the account features or a health score, or ask again later."


class NoCustomer(Problem):
    """PRED002: the account was lost; of what was lost nobody foresees anything."""

    code, status, title = "PRED002", 409, "The account is no customer any more"
    advice = "Nothing was computed or written; give the account another status first if it is a customer again."


class ModelNotFound(Problem):
    """ML002: no model of this target has this version."""

    code, status, title = "ML002", 404, "There is no such model"
    advice = "GET /v1/models/{target} lists the versions."


class ModelNotPromotable(Problem):
    """ML003: a model that may not score, or does so already."""

    code, status, title = "ML003", 409, "This model cannot be promoted"
    advice = "GET /v1/models/{target}/{version} shows which gate stands in the way."


class ScoringUnderWay(Problem):
    """ML004: the same job is being done."""

    code, status, title = "ML004", 409, "This is under way already"
    advice = "Wait for its end; its workflow in Temporal shows how it gets on."


class ScoringJobNotFound(Problem):
    """ML005: no training, night, backfill or report has this id."""

    code, status, title = "ML005", 404, "There is no such job"
    advice = "The id is in the answer to what began it, under workflow_id."
