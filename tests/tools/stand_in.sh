#!/usr/bin/env bash
# Stands in for every program that tools/gpu_check.sh calls, under that program's name, in a folder
# $FAKE with the files `calls` (what was called), `fail` and `slow` (how the calls begin that fail, or
# that hang; one a line).
call="${0##*/} $*"
echo "$call" >>"$FAKE/calls"
is_in() {
  local start
  while IFS= read -r start; do [[ $call != "$start"* ]] || return 0; done <"$FAKE/$1"
  return 1
}
out=${*: -1}

case $call in
*" train "*)
  mkdir -p "$out/checkpoints"
  touch "$out"/model1.safetensors "$out"/checkpoints/epoch_000001.safetensors
  ;;
esac
if is_in slow; then exec sleep 30; fi
if is_in fail; then
  echo "it was this one" >&2
  exit 7
fi
case $call in
nvidia-smi*) echo "Fake GPU (2), 1.2.3, 4 MiB" ;;
nvcc*) echo "nvcc 13.0" ;;
"cmake --build "*)
  echo "CMAKE_PREFIX_PATH=${CMAKE_PREFIX_PATH:-}"
  for program in bptplr bench_step bench_kernels test_cuda; do ln -sf "$FAKE/stand_in.sh" build/cuda/$program; done
  ;;
cmake*) mkdir -p build/cuda ;;
bench_kernels*) echo '{"kernel": "copy", "us": 1}' && echo '{"kernel": "half-wri' ;;
"bptplr bench "*) echo '{"phase": "forward"}' ;;
*" train "*)
  for epoch in 1 2; do
    echo "{\"epoch\": $epoch, \"test_acc\": 50.0, \"best_acc\": 50.0, \"loss\": 1.5}"
  done >"$out/metrics.jsonl"
  ;;
"python3 tools/bench/step_pytorch.py --device cuda --width "*)
  size='"width": '$5', "batch_size": 64'
  echo "{\"impl\": \"bptplr\", \"precision\": \"bf16\", $size, \"seconds\": [0.5]}"
  echo "{\"impl\": \"pytorch_eager\", \"precision\": \"tf32\", $size, \"seconds\": [4.0]}"
  echo "{\"impl\": \"pytorch_best\", \"precision\": \"bf16\", $size, \"seconds\": [1.0]}"
  ;;
*kernels_pytorch.py*) echo '{"kernel": "pytorch copy", "us": 2}' ;;
*plot_runs.py*) touch "$2" ;;
python3*check_baselines.py* | "python3 -m p"*) ;;
python3*) exec "$REAL_PYTHON" -IS "$@" ;;
esac
