"""`python -m bench.sync`: how long a sync of many accounts takes, and how much memory; its worker is killed twice meanwhile.

Exit code 1 when a record is lost or repeated, or the worker's memory grows with the number of accounts.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.sync.killed import Killed

ACCOUNTS = 100_000
MOST_GROWTH_MB = 150.0
"""The worker's own caches and one page; 100,000 accounts held in memory would be several times that."""


def say(line: str) -> None:
    """Show how it gets on."""
    print(line, flush=True)


def measure(accounts: int) -> bool:
    """Run it once, print what was measured, and give whether everything holds."""
    with tempfile.TemporaryDirectory(prefix="playkeeper-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as nobody when we are root
        kill_at = (accounts // 4, accounts * 3 // 5)
        found = asyncio.run(Killed(folder, companies=accounts, bills=0, kill_at=kill_at, say=say).run())
    growth = found.rss_peak_mb - found.rss_idle_mb
    say(f"{accounts:,} accounts in {found.seconds:.0f} s ({accounts / found.seconds:,.0f} a second), worker killed {found.kills} times")
    say(f"worker: {found.rss_idle_mb:.0f} MB idle, {found.rss_peak_mb:.0f} MB at most")
    first, second = found.counts
    bars = [
        (f"{found.accounts:,} accounts, {found.records:,} records: each once", found.accounts == found.records == accounts),
        (f"first sync: {first['company']}", first["company"] == {**second["company"], "read": accounts, "created": accounts, "changed": 0}),
        (f"second sync reads only what changed: {second['company']}", second["company"]["read"] == second["company"]["changed"] == 100),
        (f"memory grew by {growth:.0f} MB, at most {MOST_GROWTH_MB:.0f}", growth <= MOST_GROWTH_MB),
    ]
    for text, holds in bars:
        say(f"{'holds ' if holds else 'MISSED'}  {text}")
    return all(holds for _, holds in bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    sys.exit(0 if measure(parser.parse_args().accounts) else 1)
