#!/usr/bin/env bash
# Formats all C++ sources with clang-format.
# usage: tools/format.sh [--check]     --check: changes nothing, exit code 1 if a file would change
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v clang-format >/dev/null; then
  echo "format: clang-format is missing; apt-get install clang-format" >&2
  exit 1
fi
mode=(-i)
[[ ${1:-} == --check ]] && mode=(--dry-run --Werror)
find kernels engine models data bpt_plr apps python docs tests tools \
  \( -name '*.hpp' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
  xargs -0 clang-format "${mode[@]}"
echo "format: done"
