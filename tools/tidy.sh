#!/usr/bin/env bash
# Runs clang-tidy over the sources of a build; any warning is an error.
# usage: tools/tidy.sh [PATH_REGEX]    only files that match, e.g. '/bpt_plr/'
#        BPTPLR_BUILD=DIR is configured for it (default build/tidy)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${BPTPLR_BUILD:-build/tidy}
if ! command -v clang-tidy >/dev/null; then
  echo "tidy: clang-tidy is missing; apt-get install clang-tidy" >&2
  exit 1
fi
# clang reads no precompiled headers of GCC, and is to read each source alone.
cmake --preset cpu -B "$build" -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DBPTPLR_UNITY=OFF >/dev/null

# Generated files are not checked, nor the CUDA kernels on the host executor, which clang 14 cannot
# read (std::source_location); -march=native may name a processor that clang does not know.
files=$(python3 - "$build/compile_commands.json" "${1:-.}" <<'PY'
import json, re, sys
for entry in json.load(open(sys.argv[1])):
    path = entry["file"]
    unread = re.search("/build/|/kernels/cuda/|/tests/(cuda|simt)/", path)
    if not unread and re.search(sys.argv[2], path):
        print(path)
PY
)
[[ -n $files ]] || { echo "tidy: no source matches '${1:-.}'" >&2; exit 1; }
xargs -P "${BPTPLR_JOBS:-$(nproc)}" -n 1 \
  clang-tidy -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option <<<"$files"
echo "tidy: no warnings"
