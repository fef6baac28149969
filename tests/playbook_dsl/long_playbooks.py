"""Long playbooks for measuring: what a real one of many lines holds, again and again."""

from __future__ import annotations

_PIECE = """\
  - id: assess_{n}
    title: Look at the risk
    score.churn: {{}}
  - id: call_{n}
    if: steps.assess_{n}.score >= 50 and account.tier in ["growth", "enterprise"]
    task.create:
      title: "Call {{{{ account.name }}}} about {{{{ steps.assess_{n}.top_factors }}}}"
      owner: [csm, round_robin(emea-cs)]
      due: 3 business days
      checklist: [Read the last five tickets, Agree next step]
  - id: route_{n}
    branch:
      - if: steps.assess_{n}.score >= 90
        steps:
          - id: note_{n}
            note.add:
              text: "{{{{ account.name }}}} is at risk"
      - else:
          - id: rest_{n}
            wait: 2 business days
  - id: answer_{n}
    wait_until:
      any:
        replied: {{event: email.replied}}
        recovered: {{if: health.score >= 65 and usage.logins.change_30d > 0}}
      up_to: 5 business days
"""


def long_playbook(lines: int) -> str:
    """Give a playbook of about this many lines that compiles."""
    pieces = max(1, (lines - 2) // _PIECE.count("\n"))
    return "playbook: p\nsteps:\n" + "".join(_PIECE.format(n=n) for n in range(pieces))
