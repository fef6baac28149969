"""`python -m tests.fuzz`: broken playbooks against the compiler. Never an exception, never more than a second."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path

from tests.fuzz.workers import Tally, run_on_all_cores

CRASHES = Path(__file__).parent / "crashes"


def main() -> int:
    parser = argparse.ArgumentParser(description="Try broken playbooks against the compiler.")
    parser.add_argument("--tries", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--slowest", type=Path, help="write the file that took longest to this path")
    asked = parser.parse_args()
    print(f"{asked.tries:,} tries on {asked.workers} cores, seed {asked.seed}")
    started = time.monotonic()
    tally = run_on_all_cores(asked.tries, asked.seed, asked.workers, lambda done: print(f"  {done:,}", flush=True))
    _print(tally, time.monotonic() - started)
    if asked.slowest:
        asked.slowest.write_bytes(tally.slowest)
    return 1 if tally.crashes else 0


def _print(tally: Tally, seconds: float) -> None:
    counts = ", ".join(f"{name} {tally.outcomes[name]:,}" for name in ("refused", "accepted", "crashed"))
    print(f"tried {tally.tried:,} in {seconds:.0f} s: {counts}; slowest {tally.slowest_s * 1000:.0f} ms")
    for name, data in sorted(tally.crashes.items()):
        path = CRASHES / f"{hashlib.sha256(name.encode()).hexdigest()[:12]}.yaml"
        CRASHES.mkdir(exist_ok=True)
        path.write_bytes(data)
        print(f"  {name}: {len(data)} bytes in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name}")


if __name__ == "__main__":
    sys.exit(main())
