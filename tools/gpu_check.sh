#!/usr/bin/env bash
# Everything that wants a GPU, in one command or in calls of ten minutes: builds for the GPU of this
# machine, compares every kernel with the CPU's, times a training iteration beside PyTorch's, trains
# the same small run on both devices, and so on: tools/gpu/sections.sh.
#
# usage: tools/gpu_check.sh [--only SECTION,...] [OUT [DATA_DIR]]
#   SECTION   of the table that --help prints; `build` is part of every call
#   OUT       where the report and the archive go (docs/gpu); a report that is there is added to
#   DATA_DIR  cifar-10-batches-bin or cifar-10-batches-py, for the section cifar10
#   BPTPLR_CHECK_BUDGET   seconds for this call (no limit): what is left then, another call goes on with
#   BPTPLR_CHECK_TIMEOUT  seconds after which a check has failed (300); builds have no such limit
#   BPTPLR_CHECK_COMMIT   names the sources where they are no git checkout
#   BPTPLR_JOBS, PYTHON   parallel jobs (one per processor); another python3
#
# On a machine whose commands may take ten minutes, call it with BPTPLR_CHECK_BUDGET=560 until no
# section is left. What was run to its end is not run again, unless --only names its section. That is
# known from build/gpu_check, so OUT may be empty every time; tools/gpu_report.py --merge brings
# reports together. docs/gpu/README.md says more.
#
# OUT gets DATE-DEVICE-COMMIT.json, and an archive of that name with logs, measurements and curves
# (with --only: of the sections called). Both are written after every section.
#
# Needs nvcc, CMake 3.24, ninja, cuDNN, python3 with pip (for steps with torch, for python with its
# headers, torch and NumPy); MPI and NCCL, where a group of GPUs is to be tried. What else the builds
# need comes from the system or, on a machine without a network, from .gpu/ (tools/bundle_deps.sh).
# Exit code: 0 all is well; 1 something failed, and more may be left to run, as the summary says; 2 the
# call was wrong; 3 nothing failed, but it was out of time: call it again.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# In the order in which they run: what says most about the engine comes first. Each is meant to fit
# into a call of 560 s.
table='
build       the program, the benchmarks and the tests of the kernels
tests       every kernel beside its counterpart on the CPU; networks and iterations, too
steps       one training iteration beside PyTorch: the ratio
epochs      where the time of an epoch goes
curves      the same small run on the CPU and on the GPU
cifar10     a few epochs of CIFAR-10 in bfloat16, where DATA_DIR is given
python      builds the Python module for the GPU and runs its tests that want one
kernels     each kernel beside its floor
cpu         the tests of the layers on the CPU of this machine
sanitizers  the tests of the kernels under memcheck and racecheck'
mapfile -t sections < <(awk 'NF {print $1}' <<<"$table")

usage() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' tools/gpu_check.sh && printf '\nsections:%s\n' "$table"; }
wrong() { echo "gpu_check: $1; tools/gpu_check.sh --help says more" >&2 && exit 2; }

wanted=()
only=
while [[ ${1:-} == -* ]]; do
  case $1 in
  --help | -h) usage && exit 0 ;;
  --only)
    only=${2:-}
    [[ -n $only ]] || wrong "--only wants sections, e.g. tests,steps"
    shift 2
    ;;
  *) wrong "there is no flag '$1'" ;;
  esac
done
(($# <= 2)) || wrong "there are more arguments than OUT and DATA_DIR"
out=${1:-docs/gpu}
data=${2:-}
for word in ${only//,/ }; do
  [[ " ${sections[*]} " == *" $word "* ]] || wrong "there is no section '$word'"
done
[[ ,$only, != *,cifar10,* || -n $data ]] || wrong "the section cifar10 wants OUT and DATA_DIR"
for section in "${sections[@]}"; do
  if [[ -n $only ]]; then
    [[ $section == build || ,$only, == *,$section,* ]] || continue
  else
    [[ $section != cifar10 || -n $data ]] || continue
  fi
  wanted+=("$section")
done

python=${PYTHON:-python3}
jobs=${BPTPLR_JOBS:-$(nproc)}
limit=${BPTPLR_CHECK_TIMEOUT:-300}
forever=1000000
total=${BPTPLR_CHECK_BUDGET:-$forever}
build=build/cuda

if ! nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; then
  echo "gpu_check: no NVIDIA GPU answers nvidia-smi here; run this on a machine that has one" >&2
  exit 1
fi
source tools/gpu/environment.sh
source tools/gpu/check.sh
source tools/gpu/sections.sh

# Where the checks run, and what is known of earlier calls: one folder a day, device and commit.
state=$("$python" tools/gpu_report.py --begin build/gpu_check) && mkdir -p "$out" || exit 1
report=$out/${state##*/}.json
archive=${report%.json}${only:+-${only//,/-}}.tar.gz
report() { "$python" tools/gpu_report.py "$state" "$report" "${wanted[@]}"; }
begun=()
pack() { # without what is large and tells nothing: weights and checkpoints
  ((${#begun[@]} == 0)) ||
    tar -C "$state" --exclude=checkpoints --exclude='*.safetensors' -czf "$archive" "${begun[@]}"
}
finish() {
  local code=0
  printf '\n== summary (%s s)\n' "$SECONDS"
  pack
  report || code=$?
  exit "$code"
}
trap finish EXIT

for section in "${wanted[@]}"; do
  ((SECONDS < total)) || break
  printf '\n== %s (%s s)\n' "$section" "$SECONDS"
  begun+=("$section")
  begin "$section" || continue
  "section_$section"
  end
  pack # and report, lest all be lost where the whole call is killed
  report &>/dev/null
done
