#!/usr/bin/env bash
# Installs the Python package into a fresh environment, as a user does, and runs its tests, then those
# of the oracles. They compare with what of PyTorch, scikit-learn and Pillow the system's Python has,
# with TensorBoard and onnxruntime, and with the program where build/cpu has it; what is missing is
# skipped, and said.
# usage: tools/test_python.sh [PYTEST_ARGUMENT...]
#        PYTHON=python3.12 names another Python (default /usr/bin/python3)
#        BPTPLR_JOBS=N limits the parallel jobs of the build (default: one per processor)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-/usr/bin/python3}

export OMP_WAIT_POLICY=passive  # threads that wait sleep instead of spinning, as in test.sh

environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
"$python" -m venv --system-site-packages "$environment"
# The system's PyTorch and scikit-learn read the NumPy that they were built with, and no newer one.
constraints=$environment/constraints.txt
"$environment/bin/python" -c 'import numpy; print(f"numpy=={numpy.__version__}")' \
  >"$constraints" 2>/dev/null || true
echo "== python: install"
CMAKE_BUILD_PARALLEL_LEVEL=${BPTPLR_JOBS:-$(nproc)} "$environment/bin/pip" install --quiet \
  --disable-pip-version-check --constraint "$constraints" '.[test]' --config-settings=cmake.define.BPTPLR_WERROR=ON
# Not every Python has wheels of these.
"$environment/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: \
  --constraint "$constraints" onnx onnxruntime || echo "== python: without onnx and onnxruntime, test_onnx.py is skipped"

if [[ -x build/cpu/bptplr ]]; then export BPTPLR_PROGRAM=$PWD/build/cpu/bptplr; fi
echo "== python: tests"
"$environment/bin/python" -m pytest -q -rs -p no:cacheprovider "$@"
if "$environment/bin/python" -c 'import sklearn, torch' 2>/dev/null; then
  "$environment/bin/python" tools/oracle/test_methods.py
  "$environment/bin/python" python/examples/plain_pytorch_loop.py --epochs 8 --train 400
else
  echo "== python: the tests of the oracles and the example are skipped: $python has no torch or no sklearn"
fi
