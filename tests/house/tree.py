from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file git tracks, or would on the next `git add`; outside a checkout, every file that is not generated."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.split("\0") if name]
    else:
        generated = {".venv", ".git", ".playkeeper", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if not generated & set(path.relative_to(ROOT).parts)]
    return tuple(path for path in (ROOT / name for name in sorted(names)) if path.is_file())


def python_files() -> tuple[Path, ...]:
    """The sources people write: without generated migrations and without vendored files."""
    generated = ("migrations/versions/", "_vendor/", "/static/")
    return tuple(path for path in tracked_files() if path.suffix == ".py" and not any(part in path.as_posix() for part in generated))


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
