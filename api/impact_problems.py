"""What can go wrong when impact is looked at; part of the tree in `api.problems`."""

from api.problems import Problem


class LookNotDue(Problem):
    """IMP001: the next planned look at a playbook's impact is not due yet, or there is none any more."""

    code, status, title = "IMP001", 409, "No look is due now"
    advice = "GET /v1/playbooks/{slug}/impact says under plan when the next one is; looking more often would find effects that are none."


class NobodyHeldOut(Problem):
    """IMP002: the playbook has no holdout, so there is nothing to look at."""

    code, status, title = "IMP002", 409, "This playbook leaves nobody alone"
    advice = 'Add "holdout: {share: 15%}" to its "enroll" and publish it; those who enter from then on are compared.'


class PlanFixed(Problem):
    """IMP003: the plan of looks cannot be changed any more, because outcomes are known."""

    code, status, title = "IMP003", 409, "The plan of looks is fixed"
    advice = "A plan is laid down before the time of the first account is over; the one that is laid down stays."
