#!/usr/bin/env bash
# Searches for input that breaks a parser, with libFuzzer and the address and undefined-behaviour
# sanitizers, one parser after the other. Stops at the first finding, whose file it leaves in
# build/fuzz/findings.
#
# usage: tools/fuzz.sh [SECONDS [NAME...]]      SECONDS for each parser (300); NAME: cifar pickle ...
# Needs clang and its OpenMP (Debian: clang libomp-dev).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-300}
names=("${@:2}")
command -v clang++ >/dev/null ||
  { echo "fuzz: clang++ is missing; apt-get install clang libomp-dev" >&2; exit 1; }
tools/setup.sh
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --parallel "${BPTPLR_JOBS:-$(nproc)}"
if [[ ${#names[@]} -eq 0 ]]; then
  for harness in tests/fuzz/fuzz_*.cpp; do
    harness=${harness##*/fuzz_}
    names+=("${harness%.cpp}")
  done
fi
mkdir -p build/fuzz/findings
for name in "${names[@]}"; do
  found=build/fuzz/found/$name
  mkdir -p "$found"
  echo "== $name, $seconds s"
  # Time and memory of an input are bounded, so that a length that a file claims is never believed
  # before it is checked. A picture may take as much as kHeldPicture allows, twice.
  OMP_NUM_THREADS=1 "build/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=20000 -timeout=10 \
    -rss_limit_mb=2048 -malloc_limit_mb=512 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="build/fuzz/findings/$name-" "$found" "tests/fuzz/corpus/$name"
done
echo "fuzz: no finding"
