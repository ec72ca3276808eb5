#!/usr/bin/env bash
# Everything that wants a GPU, in one command: builds for the GPU of this machine, runs the tests of
# the CUDA backend and of the CPU kernels, trains the same small run on both and compares the
# curves, times each kernel beside its floor and a training iteration against PyTorch.
#
# usage: tools/gpu_check.sh [OUT [DATA_DIR]]
#   OUT       where the report and the logs go (docs/gpu)
#   DATA_DIR  cifar-10-batches-bin or cifar-10-batches-py: trains on CIFAR-10 for a few epochs, too
#
# Needs nvcc, CMake, ninja, cuDNN, python3 (with torch for the comparison). What else the build needs
# comes from the system or, on a machine without a network, from .gpu/*.deb (tools/bundle_deps.sh).
# Exit code 1 if anything fails; what did work is in the JSON all the same.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
out=${1:-docs/gpu}
data=${2:-}
mkdir -p "$out"
python=${PYTHON:-python3}
jobs=${BPTPLR_JOBS:-$(nproc)}
build=build/cuda
failed=0

note() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }
check() { # NAME COMMAND...: runs it and remembers how it ended
  local name=$1
  shift
  if "$@" >"$out/$name.log" 2>&1; then
    echo "$name: ok"
    results+=("\"$name\": true")
  else
    echo "$name: FAILED, the end of $out/$name.log:"
    tail -n 25 "$out/$name.log"
    results+=("\"$name\": false")
    failed=1
  fi
}
results=()

note "set-up"
if ! nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; then
  echo "gpu_check: no NVIDIA GPU answers nvidia-smi here; run this on a machine that has one" >&2
  exit 1
fi
command -v nvcc >/dev/null || export PATH=/usr/local/cuda/bin:$PATH
prefix=$PWD/$build/prefix
if compgen -G '.gpu/*.deb' >/dev/null; then
  for package in .gpu/*.deb; do dpkg -x "$package" "$prefix"; done
  export CPATH=$prefix/usr/include/x86_64-linux-gnu  # where jpeglib.h looks for a part of it
  export CMAKE_PREFIX_PATH=$prefix/usr LD_LIBRARY_PATH=$prefix/usr/lib/x86_64-linux-gnu:${LD_LIBRARY_PATH:-}
fi
# cuDNN may be the system's or the one that came with PyTorch.
cudnn=$("$python" -c 'import nvidia.cudnn, os; print(os.path.dirname(nvidia.cudnn.__file__))' 2>/dev/null)
if [[ -n $cudnn && -f $cudnn/include/cudnn.h ]]; then
  export CMAKE_INCLUDE_PATH=$cudnn/include CMAKE_LIBRARY_PATH=$PWD/$build/cudnn
  mkdir -p "$build/cudnn"
  ln -sf "$cudnn"/lib/*.so* "$build/cudnn/"
  ln -sf "$cudnn/lib/libcudnn.so.9" "$build/cudnn/libcudnn.so"
  export LD_LIBRARY_PATH=$cudnn/lib:${LD_LIBRARY_PATH:-}
fi

note "build"
check configure cmake --preset cuda -DCMAKE_CUDA_ARCHITECTURES=native
check build cmake --build --preset cuda --parallel "$jobs"

note "tests"
check tests_cuda ctest --test-dir "$build" -R '^cuda\.' --output-on-failure
check tests_cpu ctest --test-dir "$build" -R '^(kernels|engine|models|bpt_plr)\.' \
  --parallel "$jobs" --output-on-failure
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    check "sanitizer_$tool" compute-sanitizer --tool "$tool" --error-exitcode 1 \
      "$build/test_cuda" --gtest_filter='*Cuda*:-*Whole*'
  done
fi

note "the same run on the CPU and on the GPU"
small="--dataset shapes --shapes_train 600 --shapes_test 400 --r 0.4 --width 8 --blocks 1,1,1,1
  --batch_size 32 --num_epochs 6 --warm_up 3 --lr 0.05 --seed 1"
for run in "cpu float32" "cuda float32" "cuda bf16"; do
  read -r device precision <<<"$run"
  # shellcheck disable=SC2086  # the words of $small are separate arguments
  check "train_${device}_$precision" "$build/bptplr" train $small --device "$device" \
    --precision "$precision" --out "$out/run_${device}_$precision"
done
check same_curve "$python" tools/compare_runs.py "$out"/run_cpu_float32 "$out"/run_cuda_float32 \
  "$out"/run_cuda_bf16

if [[ -n $data ]]; then
  note "CIFAR-10, 50 % symmetric noise, a few epochs in bfloat16"
  check cifar10 "$build/bptplr" train --dataset cifar10 --data_path "$data" --r 0.5 \
    --noise_mode sym --num_epochs 6 --warm_up 3 --device cuda --precision bf16 --out "$out/run_cifar10"
fi

bench() { "${@:2}" | tee -a "$out/$1.jsonl" || failed=1; }
note "each kernel beside its floor"
: >"$out/kernels.jsonl"
bench kernels "$build/bench_kernels"
bench kernels "$python" tools/bench/kernels_pytorch.py

note "do the PyTorch baselines compute the same?"
check baselines "$python" tools/bench/check_baselines.py --device cuda --compile

note "one training iteration, B 64: ours and PyTorch's in turn, on ready views and with views made"
: >"$out/steps.jsonl"
budget=${BPTPLR_BENCH_BUDGET:-60}  # after so many seconds a size starts no torch.compile; 0: none
variants=()
[[ -n ${BPTPLR_BENCH_VARIANTS:-} ]] && variants=(--variants "$BPTPLR_BENCH_VARIANTS")
for size in "16" "64" "64 --augment"; do
  beside=()
  for precision in float32 bf16; do
    beside+=(--beside "$build/bench_step --device cuda --width $size --precision $precision
      --warmup 10 --repeat 20")
  done
  # shellcheck disable=SC2086  # $size may be two arguments
  bench steps "$python" tools/bench/step_pytorch.py --device cuda --width $size --rounds 3 \
    --warmup 10 --repeat 20 --budget_s "$budget" "${beside[@]}" "${variants[@]}"
done
"$python" tools/bench/step_ratio.py "$out/steps.jsonl" || failed=1

note "where the time of an epoch goes"
: >"$out/epochs.jsonl"
for precision in float32 bf16; do
  flags=(--json --device cuda --precision "$precision")
  bench epochs "$build/bptplr" bench "${flags[@]}"
  bench epochs "$build/bptplr" bench "${flags[@]}" --num_class 100
done
bench epochs "$build/bptplr" bench --json --device cuda --precision bf16 --arch resnet50 \
  --image_size 224 --num_class 14
for size in batch width classes images; do
  bench epochs "$build/bptplr" bench "${flags[@]}" --scaling "$size"
done

note "summary"
"$python" - "$out" "$(IFS=,; echo "{${results[*]}}")" <<'PY'
import datetime, json, pathlib, subprocess, sys

def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None

out = pathlib.Path(sys.argv[1])

def lines(name):
    with open(out / name, encoding="utf-8") as file:
        return [json.loads(line) for line in file]

report = {
    "date": datetime.date.today().isoformat(),
    "device": said("nvidia-smi", "--query-gpu=name", "--format=csv,noheader"),
    "driver": said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
    "nvcc": said("nvcc", "--version").splitlines()[-1],
    "commit": said("git", "rev-parse", "--short", "HEAD"),
    "checks": json.loads(sys.argv[2]),
    "kernels": lines("kernels.jsonl"),
    "steps": lines("steps.jsonl"),
    "epochs": lines("epochs.jsonl"),
    "cifar10": lines("run_cifar10/metrics.jsonl") if (out / "run_cifar10").is_dir() else None,
}
name = f"{report['date']}-{report['device'].replace(' ', '-')}-{report['commit'] or 'unknown'}.json"
(out / name).write_text(json.dumps(report, indent=1) + "\n")
print("wrote", out / name)
PY
exit "$failed"
