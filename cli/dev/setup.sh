#!/usr/bin/env bash
# Makes .venv hold exactly what requirements-dev.lock names. Safe to run again; does nothing when up to date.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.venv
lock=requirements-dev.lock

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
  local name
  for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null 2>&1 && new_enough "$name"; then
      command -v "$name"
      return
    fi
  done
  fail "Playkeeper needs Python 3.11 or newer and found $(python3 --version 2>/dev/null || echo 'no python3'). Install one, or name it: make PYTHON=/path/to/python3 setup"
}

fingerprint() { cat "$lock" pyproject.toml cli/dev/setup.sh | cksum; pwd; }

if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/installed" 2>/dev/null)" = "$(fingerprint)" ]; then
  exit 0
fi

started=$SECONDS
python=$(find_python)
if [ ! -x "$venv/bin/python" ] || ! new_enough "$venv/bin/python"; then
  say "1/3 making a virtual environment with $("$python" --version)"
  rm -rf "$venv"
  "$python" -m venv "$venv" || fail "$python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv"
else
  say "1/3 the virtual environment is there"
fi

# uv installs the rest about ten times as fast as pip. It is pinned and hashed like everything else.
export PIP_DISABLE_PIP_VERSION_CHECK=1
say "2/3 installing $(grep -c '^[a-z].*==' "$lock") packages (the first time takes a minute or so)"
only_uv=$(mktemp)
trap 'rm -f "$only_uv"' EXIT
awk '/^uv==/{on=1} on&&/^ *# via/{exit} on' "$lock" >"$only_uv"
if [ ! -x "$venv/bin/uv" ]; then
  "$venv/bin/python" -m pip install --quiet --require-hashes -r "$only_uv" 2>/dev/null || true
fi
if "$venv/bin/uv" --version >/dev/null 2>&1; then
  "$venv/bin/uv" pip sync --python "$venv/bin/python" --require-hashes "$lock" ||
    fail "the packages of $lock could not be installed; see the lines above, then run it again"
else
  say "uv cannot be had here, so pip does it; that takes a minute or two longer"
  "$venv/bin/python" -m pip install --require-hashes -r "$lock" ||
    fail "the packages of $lock could not be installed; see the lines above, then run it again"
fi

say "3/3 installing the playkeeper command"
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --no-index -e . ||
  fail "the playkeeper command could not be installed; see the lines above"
fingerprint >"$venv/installed"
say "ready in $((SECONDS - started)) s"
