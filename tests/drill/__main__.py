"""`python -m tests.drill --kills 200`: prints runs, kills, effects repeated, effects lost, runs lost; exit code 1 if there are any."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.drill.drill import Drill, Program, Report


def lines(report: Report) -> list[str]:
    """Give the report for people."""
    tally = report.tally
    servers = ", ".join(f"{count} of {name}" for name, count in report.server_kills.items()) or "none"
    return [
        f"runs             {tally.runs}",
        f"workers killed   {report.worker_kills}, {report.kills_after_an_answer} of them between a vendor's answer and the ledger's row",
        f"servers killed   {servers}",
        f"vendor trouble   {report.dropped} connections dropped after the effect, {report.busy} times busy",
        f"effects          {tally.effects}, of them {tally.undone} undone and {tally.in_doubt} reported as in doubt",
        f"effects repeated {len(tally.repeated)}",
        f"effects lost     {len(tally.lost)}",
        f"not undone       {len(tally.not_undone)}",
        f"runs lost        {len(tally.lost_runs)}",
        f"took             {report.took_s:.0f} s",
        *(f"  {what}" for what in [*tally.repeated, *tally.lost, *tally.not_undone, *tally.lost_runs][:40]),
    ]


def main() -> int:
    """Run a drill as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many workers to kill")
    parser.add_argument("--server-after", type=int, default=25, help="kill a server too after so many kills; 0: never")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    program = Program(kills=asked.kills, server_after=asked.server_after, seed=asked.seed)
    folder = Path(tempfile.mkdtemp(prefix="playkeeper-drill-"))
    folder.chmod(0o755)  # PostgreSQL runs as nobody when we are root
    report = asyncio.run(Drill(folder, program, lambda line: print(line, file=sys.stderr, flush=True)).run())  # noqa: T201  # progress
    print("\n".join(lines(report)))  # noqa: T201  # progress
    return 0 if report.tally.clean else 1


if __name__ == "__main__":
    sys.exit(main())
