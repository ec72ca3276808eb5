#!/usr/bin/env bash
# One full BPT-PLR iteration (B 64), this engine against PyTorch on the same CPU, in turn.
#
# usage: tools/bench/step.sh [--widths "16 64"] [--rounds 3] [--threads 2] [--variants LIST]
#
# In every round each program is started anew and times one iteration after a warm-up. PyTorch comes
# from $PYTHON (default: /usr/bin/python3, where Debian's python3-torch lives) and by default runs
# the published iteration in both memory layouts; step_pytorch.py says what else LIST may name, e.g.
# best+float32,best+float32+compile. The last lines are `ratio_eager R` and `ratio R`: PyTorch's
# median time over ours, for the published iteration and for the fastest of all that ran.
set -euo pipefail
cd "$(dirname "$0")/../.."

widths="16 64" rounds=3 threads=2 variants=eager+float32,eager+float32+nhwc
while [ $# -gt 0 ]; do
  case "$1" in
    --widths) widths=$2; shift 2 ;;
    --rounds) rounds=$2; shift 2 ;;
    --threads) threads=$2; shift 2 ;;
    --variants) variants=$2; shift 2 ;;
    *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
python=${PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import torch' 2>/dev/null; then
  echo "step.sh: error: $python has no torch; apt-get install python3-torch or set PYTHON" >&2
  exit 1
fi
cmake --preset cpu >/dev/null
cmake --build --preset cpu --target bench_step

results=$(mktemp)
trap 'rm -f "$results"' EXIT
for width in $widths; do
  for _ in $(seq "$rounds"); do
    common="--width $width --batch_size 64 --warmup 1 --repeat 1 --threads $threads"
    # shellcheck disable=SC2086  # the words of $common are separate arguments
    {
      build/cpu/bench_step $common
      for variant in ${variants//,/ }; do
        "$python" tools/bench/step_pytorch.py $common --variants "$variant"
      done
    } | tee -a "$results"
  done
done
python3 tools/bench/step_ratio.py "$results"
