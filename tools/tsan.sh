#!/usr/bin/env bash
# Builds the tests with the thread sanitizer and runs them, but for those of
# tests/not_under_asan.txt.
# usage: tools/tsan.sh [REGEX]      REGEX: only tests whose names match
# Needs clang and its OpenMP (Debian: clang libomp-dev), whose tool Archer tells the sanitizer which
# iterations of a parallel loop are ordered; without it every loop looks like a race.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v clang++ >/dev/null ||
  { echo "tsan: clang++ is missing; apt-get install clang libomp-dev" >&2; exit 1; }
archer=$(clang++ -print-file-name=libarcher.so)
[[ -f $archer ]] || archer=$(find /usr/lib/llvm-*/lib/libarcher.so 2>/dev/null | sort | tail -n 1)
[[ -f $archer ]] || { echo "tsan: libarcher.so is missing; apt-get install libomp-dev" >&2; exit 1; }
tools/setup.sh
cmake --preset tsan >/dev/null
# The host executor of CUDA kernels has one thread; its tests would take most of the build.
cmake --build --preset tsan --parallel "${BPTPLR_JOBS:-$(nproc)}" \
  --target bptplr test_kernels test_engine test_models test_data test_bpt_plr test_apps
# AFullDisk: the sanitizer itself begins with a file that is longer than the test's limit on files.
OMP_TOOL_LIBRARIES=$archer OMP_NUM_THREADS=4 OMP_WAIT_POLICY=passive \
  ctest --preset tsan --parallel "${BPTPLR_JOBS:-$(nproc)}" --tests-regex "${1:-.}" \
  --exclude-regex "$(cat tests/not_under_asan.txt)|^(cuda|fuzz)\\.|_NOT_BUILT|AFullDisk"
