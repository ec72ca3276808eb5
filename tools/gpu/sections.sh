# shellcheck shell=bash
# Read by tools/gpu_check.sh: what each section of its table runs.
# shellcheck disable=SC2154  # python, build, jobs, data and folder are those of the scripts before it

section_build() {
  # Its compiler may be newer than those that the warnings were mended for.
  check configure cmake --preset cuda -DCMAKE_CUDA_ARCHITECTURES=native -DBPTPLR_WERROR=OFF
  # What was compiled before the time was up stays, so calls bring it to its end.
  limit=$forever check build cmake --build --preset cuda --parallel "$jobs" --target bptplr bench_step \
    bench_kernels test_cuda -- -k 0
  # Untried kernels first, alone: what faults takes the process with it, what hangs runs into the limit.
  export BPTPLR_WARP_GROUPS=1
  limit=60 check warp_groups "$build/test_cuda" --gtest_filter='*WarpGroupsAgree*' ||
    export BPTPLR_WARP_GROUPS=0
}

# Tests are many and small: their threads are not to spin while others want the cores.
quietly=(env OMP_WAIT_POLICY=passive OMP_NUM_THREADS=2)

section_tests() {
  # With MPI and NCCL in the build, a group of this one GPU is among them (CollectivesCuda).
  # In one process, which makes one context; where that does not end well, one process a test.
  check tests_cuda "$build/test_cuda" || (($? == 3)) ||
    check tests_cuda_apart "${quietly[@]}" ctest --test-dir "$build" -R '^cuda\.' --parallel 4 --timeout 60 \
      --output-on-failure
}

section_steps() {
  # All on ready views, and once with views made; B 64. Ours and PyTorch's take turns.
  local budget=${BPTPLR_BENCH_BUDGET:-60} variants=() size precision beside
  [[ -z ${BPTPLR_BENCH_VARIANTS:-} ]] || variants=(--variants "$BPTPLR_BENCH_VARIANTS")
  for size in "64" "64 --augment" "16"; do
    beside=()
    for precision in float32 bf16; do
      beside+=(--beside "$build/bench_step --device cuda --width $size --precision $precision
        --warmup 10 --repeat 20")
    done
    # shellcheck disable=SC2086  # $size may be two arguments
    bench "step_${size/ --/_}" "$python" tools/bench/step_pytorch.py --device cuda --width $size --rounds 3 \
      --warmup 10 --repeat 20 --budget_s "$budget" "${beside[@]}" "${variants[@]}"
  done
  # Do PyTorch's programs compute the same?
  check baselines "$python" tools/bench/check_baselines.py --device cuda --compile
}

section_epochs() {
  local precision size
  for precision in bf16 float32; do
    bench "epoch_$precision" "$build/bptplr" bench --json --device cuda --precision "$precision"
    bench "epoch_${precision}_100_classes" "$build/bptplr" bench --json --device cuda \
      --precision "$precision" --num_class 100
  done
  bench epoch_resnet50 "$build/bptplr" bench --json --device cuda --precision bf16 --arch resnet50 \
    --image_size 224 --num_class 14
  for size in batch width classes images; do
    bench "epoch_by_$size" "$build/bptplr" bench --json --device cuda --precision bf16 --scaling "$size"
  done
}

section_curves() {
  local run device precision curves=()
  for run in "cpu float32" "cuda float32" "cuda bf16"; do
    read -r device precision <<<"$run"
    train "${device}_$precision" --dataset shapes --shapes_train 600 --shapes_test 400 --r 0.4 --width 8 \
      --blocks 1,1,1,1 --batch_size 32 --num_epochs 6 --warm_up 3 --lr 0.05 --seed 1 --device "$device" \
      --precision "$precision"
    curves+=("${device}_$precision=$folder/run_${device}_$precision")
  done
  check same_curve "$python" tools/compare_runs.py "${curves[@]#*=}"
  picture curves "${curves[@]}"
}

section_cifar10() {
  limit=560 train cifar10 --dataset cifar10 --data_path "$data" --r 0.5 --noise_mode sym --num_epochs 6 \
    --warm_up 3 --device cuda --precision bf16
  picture cifar10 "bf16=$folder/run_cifar10"
}

section_python() {
  local module=$PWD/build/python-cuda
  # Packages of the bundle, only where this Python lacks them.
  "$python" -c 'import nanobind, pytest, scikit_build_core' 2>/dev/null ||
    local -x PYTHONPATH=$bundle/python${PYTHONPATH:+:$PYTHONPATH}
  # Without a network and in a folder that stays, so that this build goes on in another call, too.
  CMAKE_BUILD_PARALLEL_LEVEL=$jobs limit=$forever check python_build "$python" -m pip install --no-index \
    --no-build-isolation --no-deps --upgrade --target "$module/site" --config-settings=build-dir="$module" \
    --config-settings=cmake.define.BPTPLR_CUDA=ON --config-settings=cmake.define.CMAKE_CUDA_ARCHITECTURES=native \
    --config-settings=cmake.define.CMAKE_INSTALL_RPATH_USE_LINK_PATH=ON . || return
  # There a skipped test is a failed one.
  PYTHONPATH=$module/site${PYTHONPATH:+:$PYTHONPATH} BPTPLR_PROGRAM=$PWD/$build/bptplr BPTPLR_WANTS_GPU=1 \
    check python_tests "$python" -m pytest -p no:cacheprovider python/tests/test_gpu.py
}

section_kernels() {
  bench floors "$build/bench_kernels"
  bench floors_pytorch "$python" tools/bench/kernels_pytorch.py
}

section_cpu() {
  limit=$forever check cpu_build cmake --build --preset cuda --parallel "$jobs" --target test_kernels \
    test_engine test_models test_bpt_plr -- -k 0 || (($? == 1)) || return
  limit=500 check tests_cpu "${quietly[@]}" ctest --test-dir "$build" -R '^(kernels|engine|models|bpt_plr)\.' \
    --parallel "$jobs" --output-on-failure
}

section_sanitizers() {
  local tool
  command -v compute-sanitizer >/dev/null || {
    echo "compute-sanitizer is not installed"
    return
  }
  # Whole iterations and the search among a library's algorithms would take hours; of NCCL, nothing is ours.
  for tool in memcheck racecheck; do
    limit=260 check "$tool" compute-sanitizer --tool "$tool" --error-exitcode 1 "$build/test_cuda" \
      --gtest_filter='*Cuda*:*TensorCore*:-*Whole*:*IterationsCuda*:*NetworkCuda*:*Conv2dCuda*:*Conv2dBatchNormCuda*:*CollectivesCuda*'
  done
}
