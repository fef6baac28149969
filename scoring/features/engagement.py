"""Features of how we and they deal with each other: meetings, messages, people, the recommendation question."""

from collections.abc import Sequence

from scoring.features.history import History
from scoring.features.values import DAY, number
from scoring.panel import FeatureValue


def engagement_features(history: History, cutoff: float) -> dict[str, FeatureValue]:
    """Give the features of engagement."""
    result: dict[str, FeatureValue] = {}
    held = [each for each in history.states("meeting", cutoff) if each.values.get("held") is not False]
    if held:
        result["days_since_meeting"] = (cutoff - max(each.last for each in held)) / DAY
    executive = [each.last for each in held if each.text("with") == "executive"]
    if executive:
        result["days_since_executive"] = (cutoff - max(executive)) / DAY
    result["reply_share_90d"] = _reply_share(history, cutoff)
    result["champion_left"] = _champion_left(history, cutoff)
    answer = latest_survey(history, cutoff, "nps")
    if answer is not None:
        result["nps"], result["nps_age_days"] = answer[0], (cutoff - answer[1]) / DAY
    return result


def latest_survey(history: History, cutoff: float, question: str) -> tuple[float, float] | None:
    """Give the latest answer to a question that was known at the cutoff, and when it was given."""
    track = history.tracks["survey"]
    for place in reversed(track.known(cutoff)):
        answer = number(track.seen[place].values.get(question))
        if answer is not None:
            return answer, track.at[place]
    return None


def _champion_left(history: History, cutoff: float) -> float | None:
    champions = [each for each in history.states("contact", cutoff) if each.text("role") == "champion"]
    if not champions:
        return None
    return float(any(each.values.get("left") is True and each.since["left"] > cutoff - 180 * DAY for each in champions))


def _reply_share(history: History, cutoff: float) -> float | None:
    """Give the share of our messages they answered.

    A message of a named thread is answered by a later one of theirs in it; of the others as many as they wrote.
    """
    track = history.tracks["email"]
    places = track.known(cutoff, cutoff - 90 * DAY)
    ours = [place for place in places if track.seen[place].values.get("direction") == "out"]
    if not ours:
        return None
    theirs = [place for place in places if track.seen[place].values.get("direction") == "in"]
    newest_in = {track.seen[place].subject: track.at[place] for place in theirs}
    answered = sum(bool(name := track.seen[place].subject) and newest_in.get(name, 0.0) > track.at[place] for place in ours)
    loose = min(_without_thread(history, ours), _without_thread(history, theirs))
    return (answered + loose) / len(ours)


def _without_thread(history: History, places: Sequence[int]) -> int:
    return sum(not history.tracks["email"].seen[place].subject for place in places)
