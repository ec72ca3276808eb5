#!/usr/bin/env bash
# Builds and runs all tests: those of the Python package and the links of the site, those that are
# quick enough under the address and undefined-behaviour sanitizers, then all. The last lines are
# ctest's own summary.
# usage: tools/test.sh        BPTPLR_JOBS=N limits the parallel jobs (default: one per processor)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh

jobs=${BPTPLR_JOBS:-$(nproc)}
# Several tests run beside each other, so threads that wait should sleep instead of spinning.
export OMP_WAIT_POLICY=passive

for preset in cpu asan; do
  echo "== build/$preset"
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" --parallel "$jobs"
done

# Where nvcc is, the CUDA kernels must compile for a real GPU too, not only for the host executor.
if command -v nvcc >/dev/null; then
  echo "== build/cuda (kernels only)"
  cmake --preset cuda -DCMAKE_CUDA_ARCHITECTURES=90 >/dev/null
  cmake --build --preset cuda --parallel "$jobs" --target bptplr_backend bptplr_hopper \
    >build/cuda/kernels.log 2>&1 || { cat build/cuda/kernels.log; exit 1; }
fi

# Those of the Python package are one process, beside which there is room; so is the site, whose
# links must lead somewhere.
tools/test_python.sh >build/python.log 2>&1 &
python=$!
tools/site.sh >build/site.log 2>&1 &
site=$!

# Comparisons of numbers with PyTorch say nothing new under the sanitizers and take long there;
# reading input, indexing and threading do.
echo "== tests: asan"
ctest --preset asan --parallel "$jobs" --exclude-regex "$(cat tests/not_under_asan.txt)" ||
  { kill "$python" "$site" 2>/dev/null || true; exit 1; }

wait "$site" || { cat build/site.log; kill "$python" 2>/dev/null || true; exit 1; }
cat build/site.log
wait "$python" || { cat build/python.log; exit 1; }
cat build/python.log
echo "== tests: cpu"
ctest --preset cpu --parallel "$jobs"
