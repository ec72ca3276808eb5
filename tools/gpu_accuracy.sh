#!/usr/bin/env bash
# Does bfloat16 cost accuracy? Trains CIFAR-10 with 50 % symmetric noise in bfloat16 and in float32,
# 40 epochs each (a cosine over them), and writes both curves as a picture and as JSON beside the
# reports of gpu_check.sh, which has built the program.
#
# usage: tools/gpu_accuracy.sh DATA_DIR [OUT [FLAG...]]
#   DATA_DIR  cifar-10-batches-bin or cifar-10-batches-py
#   OUT       where the report goes (docs/gpu); the runs are in build/gpu_accuracy, and gone on with there
#   FLAG...   for bptplr train, behind those here; with --max_hours 0.07 each run takes four minutes of a
#             call: call it until the code is no longer 3
#   BPTPLR_PROGRAM, BPTPLR_DEVICE, BPTPLR_PRECISIONS: instead of build/cuda/bptplr, cuda, "bf16 float32"
# Exit code: 0 both runs are done, 3 one was stopped before its end, else that of bptplr train.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=${1:?DATA_DIR is missing: tools/gpu_accuracy.sh DATA_DIR [OUT [FLAG...]]}
out=${2:-docs/gpu}
program=${BPTPLR_PROGRAM:-build/cuda/bptplr}
device=${BPTPLR_DEVICE:-cuda}
read -ra precisions <<<"${BPTPLR_PRECISIONS:-bf16 float32}"
python=${PYTHON:-python3}
mkdir -p "$out" build/gpu_accuracy

curves=()
stopped=0
for precision in "${precisions[@]}"; do
  run=build/gpu_accuracy/run_$precision
  # A run that is there already is gone on with; one that is done says so and ends well.
  if [[ -d $run ]]; then
    train=(--resume "${@:3}")
  else
    train=(--recipe cifar10-sym50 --data_path "$data" --num_epochs 40 --device "$device"
      --precision "$precision" "${@:3}")
  fi
  code=0
  "$program" train "${train[@]}" --out "$run" || code=$?
  ((code == 0 || code == 3)) || exit "$code"
  ((code == 0)) || stopped=3 # with a checkpoint; its epochs are reported
  [[ -s $run/metrics.jsonl ]] || continue
  curves+=("$precision=$run")
done
((${#curves[@]} > 0)) || exit 3
"$python" tools/plot_runs.py "$out/accuracy.png" "${curves[@]}" ||
  echo "gpu_accuracy: no picture, which takes python3-matplotlib"

"$python" - "$out" "$device" "${curves[@]}" <<'PY'
import datetime, json, pathlib, subprocess, sys

def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None

out, device = pathlib.Path(sys.argv[1]), sys.argv[2]
report = {"date": datetime.date.today().isoformat(),
          "device": said("nvidia-smi", "--query-gpu=name", "--format=csv,noheader") or device,
          "commit": said("git", "rev-parse", "--short", "HEAD"), "runs": {}}
last10 = {}
for curve in sys.argv[3:]:
    precision, folder = curve.split("=", 1)
    with open(pathlib.Path(folder) / "metrics.jsonl", encoding="utf-8") as lines:
        epochs = [json.loads(line) for line in lines]
    accuracy = [epoch["test_acc"] for epoch in epochs]
    last10[precision] = sum(accuracy[-10:]) / len(accuracy[-10:])
    report["runs"][precision] = {"test_acc": accuracy, "mean_last10": last10[precision],
                                 "seconds": sum(sum(epoch["seconds"].values()) for epoch in epochs)}
    print(f"{precision}: {last10[precision]:.2f} % (mean of the last 10 epochs), best {max(accuracy):.2f} %")
if len(last10) == 2:
    first, second = last10
    report["difference"] = last10[first] - last10[second]
    print(f"{first} - {second}: {report['difference']:+.2f} points")
name = f"accuracy-{report['date']}-{report['device'].replace(' ', '-')}-{report['commit'] or 'unknown'}.json"
(out / name).write_text(json.dumps(report, indent=1) + "\n")
print("wrote", out / name)
PY
exit "$stopped"
