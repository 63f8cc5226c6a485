#!/usr/bin/env bash
# python.sh FOLDER LOCK: a virtual environment with exactly what the lock file pins, every download checked by its hash.
# Exit 3: no fitting Python; one sentence on stderr says how to get one.
set -euo pipefail
folder=$1
lock=$2

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# The first Python that is new enough, `python3` before the numbered ones.
find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if fits "$name"; then command -v "$name"; return; fi
  done
  echo "setup: Python 3.11 or newer is needed: install it, for example Debian's packages python3 and python3-venv." >&2
  exit 3
}

if ! { fits "$folder/bin/python" && "$folder/bin/python" -m pip --version >/dev/null 2>&1; }; then
  python=$(find_python)
  rm -rf "$folder"
  "$python" -m venv "$folder" >/dev/null 2>&1 || {
    rm -rf "$folder"
    echo "setup: $python has no venv module: install it, on Debian the package python3-venv." >&2
    exit 3
  }
fi
echo "installing the packages of $lock into $folder ..."
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$lock"
