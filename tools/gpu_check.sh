#!/usr/bin/env bash
# Everything that wants a GPU, in one command: builds for the GPU of this machine, runs the tests of
# the CUDA backend and of the CPU kernels, trains the same small run on both and compares the
# curves, times each kernel beside its floor and a training iteration against PyTorch.
#
# usage: tools/gpu_check.sh [--only SECTION,...] [OUT [DATA_DIR]]
#   SECTION   build, tests, curves, cifar10, kernels, steps, epochs, sanitizers: all, in this order
#   OUT       where the report and the logs go (docs/gpu); what another call on the same day, device
#             and commit has reported there is kept
#   DATA_DIR  cifar-10-batches-bin or cifar-10-batches-py: trains on CIFAR-10 for a few epochs, too
#   BPTPLR_CHECK_TIMEOUT  seconds after which a check has failed (300; the build has four times that)
#   BPTPLR_CHECK_BUDGET   seconds for everything: what is left then is not run (no limit)
#
# Needs nvcc, CMake, ninja, cuDNN, python3 (with torch for the comparison). What else the build needs
# comes from the system or, on a machine without a network, from .gpu/*.deb (tools/bundle_deps.sh).
# Exit code 1 if anything fails; what did work is in the JSON all the same, which is written after
# every section, even when this is stopped.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
sections=build,tests,curves,cifar10,kernels,steps,epochs,sanitizers
if [[ ${1:-} == --only ]]; then
  sections=${2:?--only wants sections, e.g. build,tests}
  shift 2
fi
out=${1:-docs/gpu}
data=${2:-}
mkdir -p "$out"
python=${PYTHON:-python3}
jobs=${BPTPLR_JOBS:-$(nproc)}
limit=${BPTPLR_CHECK_TIMEOUT:-300}
total=${BPTPLR_CHECK_BUDGET:-100000}
build=build/cuda
failed=0
results=()

wants() { [[ ,$sections, == *,$1,* ]]; }
report() { "$python" tools/gpu_report.py "$out" "$(IFS=,; echo "{${results[*]}}")"; }
note() { # TITLE: of the next section
  ((${#results[@]})) && report >/dev/null
  printf '\n== %s (%s s)\n' "$1" "$SECONDS"
}
out_of_time() { # NAME: says so where nothing is left of the budget
  ((SECONDS >= total)) || return 1
  echo "$1: no time is left for it"
  failed=1
}
within_limit() { # COMMAND...: stops it at its limit, or when the budget is used up
  local seconds=$((total - SECONDS))
  ((seconds > limit)) && seconds=$limit
  ((seconds < 1)) && seconds=1  # to timeout, 0 is no limit
  timeout --kill-after=10 "$seconds" "$@"
}
check() { # NAME COMMAND...: runs it and remembers how it ended
  local name=$1
  shift
  if out_of_time "$name"; then
    results+=("\"$name\": null")
    return 1
  fi
  if within_limit "$@" >"$out/$name.log" 2>&1; then
    echo "$name: ok"
    results+=("\"$name\": true")
  else
    echo "$name: FAILED with code $?, the end of $out/$name.log:"
    tail -n 25 "$out/$name.log"
    results+=("\"$name\": false")
    failed=1
    return 1
  fi
}
bench() { # FILE COMMAND...: appends the JSON lines that it prints
  out_of_time "$2" || within_limit "${@:2}" | tee -a "$out/$1.jsonl" || failed=1
}
train() { # NAME FLAGS...: bptplr train, into a new run folder of that name
  rm -rf "$out/run_$1"
  check "train_$1" "$build/bptplr" train "${@:2}" --out "$out/run_$1"
}

note "set-up"
for word in ${sections//,/ }; do
  case $word in build | tests | curves | cifar10 | kernels | steps | epochs | sanitizers) ;;
  *)
    echo "gpu_check: there is no section '$word'; the sections are build, tests, curves, cifar10," \
      "kernels, steps, epochs and sanitizers" >&2
    exit 2
    ;;
  esac
done
if ! nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; then
  echo "gpu_check: no NVIDIA GPU answers nvidia-smi here; run this on a machine that has one" >&2
  exit 1
fi
command -v nvcc >/dev/null || export PATH=/usr/local/cuda/bin:$PATH
prefix=$PWD/$build/prefix
if compgen -G '.gpu/*.deb' >/dev/null; then
  mkdir -p "$prefix"
  for package in .gpu/*.deb; do dpkg -x "$package" "$prefix"; done
  export CPATH=$prefix/usr/include/x86_64-linux-gnu  # where jpeglib.h looks for a part of it
  export CMAKE_PREFIX_PATH=$prefix/usr LD_LIBRARY_PATH=$prefix/usr/lib/x86_64-linux-gnu:${LD_LIBRARY_PATH:-}
fi
# cuDNN and cuBLASLt may be the system's, which are taken first, or those that came with PyTorch:
# folders of the package `nvidia`, whose libraries lack the names that a linker looks for.
wheels=$PWD/$build/wheels
for folder in $("$python" -c 'import nvidia; print(*nvidia.__path__, sep="\n")' 2>/dev/null); do
  for part in "$folder"/cudnn "$folder"/cu[0-9]*; do
    [[ -d $part/include && -d $part/lib ]] || continue
    mkdir -p "$wheels"
    for library in "$part"/lib/*.so.*; do
      ln -sf "$library" "$wheels/"
      name=${library##*/}
      ln -sf "$library" "$wheels/${name%%.so.*}.so"
    done
    export CMAKE_INCLUDE_PATH=$part/include:${CMAKE_INCLUDE_PATH:-} CMAKE_LIBRARY_PATH=$wheels
    export CPLUS_INCLUDE_PATH=${CPLUS_INCLUDE_PATH:-}${CPLUS_INCLUDE_PATH:+:}$part/include
    export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}${LD_LIBRARY_PATH:+:}$wheels
  done
done

trap report EXIT

if wants build; then
  note "build"
  # Its compiler may be newer than those that the warnings were mended for.
  check configure cmake --preset cuda -DCMAKE_CUDA_ARCHITECTURES=native -DBPTPLR_WERROR=OFF
  limit=$((4 * limit)) check build cmake --build --preset cuda --parallel "$jobs" --target bptplr \
    bench_step bench_kernels test_cuda test_kernels test_engine test_models test_bpt_plr -- -k 0
fi

# Untried kernels first, alone: what faults takes the process with it, what hangs runs into the limit.
export BPTPLR_WARP_GROUPS=1
if [[ $sections != build ]]; then
  limit=60 check warp_groups "$build/test_cuda" --gtest_filter='*WarpGroupsAgree*' ||
    export BPTPLR_WARP_GROUPS=0
fi

# Tests are many and small: their threads are not to spin while others want the cores.
quietly=(env OMP_WAIT_POLICY=passive OMP_NUM_THREADS=2)
if wants tests; then
  note "tests"
  # In one process, which makes one context; where that does not end well, one process a test.
  check tests_cuda "$build/test_cuda" ||
    check tests_cuda_apart "${quietly[@]}" ctest --test-dir "$build" -R '^cuda\.' --parallel 4 --timeout 60 \
      --output-on-failure
  check tests_cpu "${quietly[@]}" ctest --test-dir "$build" -R '^(kernels|engine|models|bpt_plr)\.' \
    --parallel "$jobs" --output-on-failure
fi

if wants curves; then
  note "the same run on the CPU and on the GPU"
  small="--dataset shapes --shapes_train 600 --shapes_test 400 --r 0.4 --width 8 --blocks 1,1,1,1
    --batch_size 32 --num_epochs 6 --warm_up 3 --lr 0.05 --seed 1"
  for run in "cpu float32" "cuda float32" "cuda bf16"; do
    read -r device precision <<<"$run"
    # shellcheck disable=SC2086  # the words of $small are separate arguments
    train "${device}_$precision" $small --device "$device" --precision "$precision"
  done
  check same_curve "$python" tools/compare_runs.py "$out"/run_cpu_float32 "$out"/run_cuda_float32 \
    "$out"/run_cuda_bf16
fi

if wants cifar10 && [[ -n $data ]]; then
  note "CIFAR-10, 50 % symmetric noise, a few epochs in bfloat16"
  train cifar10 --dataset cifar10 --data_path "$data" --r 0.5 --noise_mode sym --num_epochs 6 \
    --warm_up 3 --device cuda --precision bf16
fi

if wants kernels; then
  note "each kernel beside its floor"
  : >"$out/kernels.jsonl"
  bench kernels "$build/bench_kernels"
  bench kernels "$python" tools/bench/kernels_pytorch.py
fi

if wants steps; then
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
fi

if wants epochs; then
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
fi

# Last, as they take longest. Whole iterations and the search among a library's algorithms would
# take hours under them.
if wants sanitizers && command -v compute-sanitizer >/dev/null; then
  note "sanitizers"
  for tool in memcheck racecheck; do
    check "sanitizer_$tool" compute-sanitizer --tool "$tool" --error-exitcode 1 "$build/test_cuda" \
      --gtest_filter='*Cuda*:*TensorCore*:-*Whole*:*IterationsCuda*:*NetworkCuda*:*Conv2dCuda*:*Conv2dBatchNormCuda*'
  done
fi

note "summary"
exit "$failed"
