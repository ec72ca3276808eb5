#!/usr/bin/env bash
# Runs commands on tiny data while one call after the other fails (open, write, rename, malloc, ...),
# and checks how they end and what is left (tests/faults). All calls take hours, of which malloc's
# are most.
# usage: tools/faults.sh [N [OPTIONS]]      N: at most so many calls of each kind, evenly spaced;
#                                           OPTIONS of tests/faults/run_faults.py
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
most=()
[[ $# -eq 0 ]] || most=(--most "$1")
cmake --preset cpu >/dev/null
cmake --build --preset cpu --parallel "${BPTPLR_JOBS:-$(nproc)}" --target bptplr fail_nth
exec python3 tests/faults/run_faults.py build/cpu/bptplr build/cpu/tests/faults/libfail_nth.so \
  "${most[@]}" "${@:2}"
