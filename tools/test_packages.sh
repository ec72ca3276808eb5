#!/usr/bin/env bash
# Tries what users install: the wheel, the C++ example against an installed prefix, and the Debian
# package, which it installs, asks for a run and removes again (as root only). Builds none of the tests.
# usage: tools/test_packages.sh        BPTPLR_JOBS=N limits the parallel jobs (default: one per processor)
#        in a bare system: tools/test_fresh.sh trixie tools/test_packages.sh
# Exit code 1 if anything fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh

jobs=${BPTPLR_JOBS:-$(nproc)}
export OMP_WAIT_POLICY=passive  # threads that wait sleep instead of spinning, as in test.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
small=(--dataset shapes --shapes_train 200 --shapes_test 100 --width 4 --blocks '1,1,1,1'
  --batch_size 32 --num_epochs 1 --method ce)

# Trains and evaluates a run with a command that was installed.
try_command() {
  echo "== $1: $("$1" --version), $("$1" info | grep ^processor)"
  "$1" train "${small[@]}" --quiet --out "$work/run_$2"
  "$1" eval "$work/run_$2" | tail -n 1
}

echo "== wheel"
start=$SECONDS
python3 -m venv "$work/environment"
CMAKE_BUILD_PARALLEL_LEVEL=$jobs "$work/environment/bin/pip" install --quiet \
  --disable-pip-version-check .
echo "== wheel: pip install took $((SECONDS - start)) s"
try_command "$work/environment/bin/bptplr" wheel
"$work/environment/bin/python" -c 'import sys, bptplr
model = bptplr.load_model(sys.argv[1])
images = bptplr.make_shapes(10, 10).test_images
print("Python predicts", model.predict(images).labels[:5])' "$work/run_wheel"
[[ -e $work/environment/share/man/man1/bptplr.1.gz ]]

echo "== build/packages"
cmake -G Ninja -S . -B build/packages -DCMAKE_BUILD_TYPE=Release -DBPTPLR_NATIVE=OFF \
  -DBUILD_TESTING=OFF >/dev/null
cmake --build build/packages --parallel "$jobs" --target packages

echo "== C++ example"
python3 tests/install/install_example.py "$PWD/build/packages" cmake

echo "== Debian package"
(cd build/packages && cpack -G DEB >/dev/null)
package=$(ls build/packages/bptplr_*.deb)
dpkg-deb -f "$package" Package Version Depends
if command -v lintian >/dev/null; then lintian --fail-on error "$package"; fi
if [[ $EUID -eq 0 ]]; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$(realpath "$package")" >/dev/null
  try_command /usr/bin/bptplr package
  bash -c 'source /usr/share/bash-completion/completions/bptplr
    COMP_WORDS=(bptplr tr) COMP_CWORD=1; _bptplr; [[ ${COMPREPLY[*]} == train ]]'
  apt-get remove -y -qq bptplr >/dev/null
else
  echo "== Debian package: not installed, which needs root"
fi

# Where there is an emulator, a processor of 2008 gets a sentence.
if command -v qemu-x86_64 >/dev/null; then
  old=(qemu-x86_64 -cpu Nehalem)
  said=$("${old[@]}" build/packages/bptplr --version 2>&1) && exit 1
  echo "$said"
  [[ $said == *'needs a processor with AVX2'* ]]
  said=$("${old[@]}" "$work/environment/bin/python" -c 'import bptplr' 2>&1) && exit 1
  [[ $said == *'ImportError: bptplr needs a processor with AVX2'* ]]
else
  echo "== without qemu-user, no old processor is tried"
fi
echo "== packages: all work"
