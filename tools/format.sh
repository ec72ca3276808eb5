#!/usr/bin/env bash
# Formats the C++ sources with clang-format and, where ruff is installed, the Python ones with ruff,
# whose lint rules (pyproject.toml) they must pass.
# usage: tools/format.sh [--check]     --check: changes nothing, exit code 1 if a file would change
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v clang-format >/dev/null; then
  echo "format: clang-format is missing; apt-get install clang-format" >&2
  exit 1
fi
mode=(-i)
ruff_check=(--fix)
ruff_format=()
if [[ ${1:-} == --check ]]; then
  mode=(--dry-run --Werror)
  ruff_check=()
  ruff_format=(--check)
fi
find kernels engine models data bpt_plr apps python tests tools examples \
  \( -name '*.hpp' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
  xargs -0 clang-format "${mode[@]}"
if command -v ruff >/dev/null; then
  ruff check --quiet "${ruff_check[@]}"
  ruff format --quiet "${ruff_format[@]}"
else
  echo "format: ruff is missing, so Python files are left as they are; pip install ruff" >&2
fi
echo "format: done"
