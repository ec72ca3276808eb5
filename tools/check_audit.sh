#!/usr/bin/env bash
# `bptplr audit` beside cleanlab, the usual way to find wrong labels: 5,000 training images of
# CIFAR-10, equally many a class, with the labels that people gave them (CIFAR-10N, worse: 40 %
# wrong). cleanlab needs predictions of networks that have not seen the label: K networks are
# trained with plain cross-entropy, each on all but one K-th of the images, on which it is then
# asked. All K together train for as long as BPT-PLR does.
#
# usage: tools/check_audit.sh DATA_DIR HUMAN_LABELS
#        DATA_DIR: cifar-10-batches-bin or cifar-10-batches-py
#        HUMAN_LABELS: cifar10n_worse.json or CIFAR-10_human.npy
# Environment: SUBSET TEST FOLDS WIDTH BLOCKS EPOCHS WARM_UP BATCH LR LAMBDA_U SEED THREADS OUT EXTRA
#              CE_EPOCHS (of each of the K; empty: as many as take the same time in all)
#              CLEANLAB (a Python that has cleanlab; empty: one is installed under build/)
#
# The last line is "audit auc A p500 B cleanlab auc C p500 D": the area under the ROC curve of the
# score for telling wrong labels from right ones, and the share of wrong ones among its first 500.
set -euo pipefail
if [[ $# -ne 2 ]]; then
  echo "usage: tools/check_audit.sh DATA_DIR HUMAN_LABELS" >&2
  exit 2
fi
[[ -d $1 ]] || { echo "check: there is no folder $1" >&2; exit 1; }
[[ -f $2 ]] || { echo "check: there is no file $2" >&2; exit 1; }
data=$(cd "$1" && pwd)
human=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

binary=${BPTPLR:-build/cpu/bptplr}
if [[ ! -x $binary ]]; then
  tools/setup.sh
  cmake --preset cpu >/dev/null
  cmake --build --preset cpu --parallel "$(nproc)" --target bptplr
fi
python=${CLEANLAB:-}
if [[ -z $python ]]; then
  python=build/cleanlab/bin/python
  if ! "$python" -c 'import cleanlab' 2>/dev/null; then
    python3 -m venv build/cleanlab
    build/cleanlab/bin/pip install --quiet cleanlab==2.9.0
  fi
fi

out=${OUT:-runs/check_audit}
folds=${FOLDS:-5}
rm -rf "${out:?}"
mkdir -p "$out"
"$python" tools/check_audit.py images "$data" "$human" "$out/set" "${SUBSET:-5000}" "${TEST:-1000}" \
  "$folds" "${SEED:-1}"

flags=(--dataset csv --image_size 32 --cache_dir "$out/cache" --width "${WIDTH:-16}"
  --blocks "${BLOCKS:-1,1,1,1}" --warm_up "${WARM_UP:-27}" --batch_size "${BATCH:-32}"
  --lr "${LR:-0.05}" --lambda_u "${LAMBDA_U:-25}" --seed "${SEED:-1}" --threads "${THREADS:-0}")
# EXTRA: further flags for all runs, split at spaces.
read -r -a extra <<<"${EXTRA:---alpha 0.5 --lambda_ramp 5 --loss_history 3 --proto_momentum 0 --warm_up_temperature 1 --warm_up_batch_factor 1}"
train() { "$binary" train "${flags[@]}" "${extra[@]}" "$@"; }
seconds() { "$python" tools/check_audit.py seconds "$1"; }

echo "== BPT-PLR"
train --method bptplr --num_epochs "${EPOCHS:-45}" --data_path "$out/set/all.csv" --out "$out/bptplr"
"$binary" audit "$out/bptplr" --threads "${THREADS:-0}" | tee "$out/audit.txt"

ce_epochs=${CE_EPOCHS:-}
if [[ -z $ce_epochs ]]; then
  echo "== how long an epoch of cross-entropy takes"
  train --method ce --num_epochs 3 --data_path "$out/set/fold1.csv" --out "$out/ce_timing"
  ce_epochs=$("$python" -c "print(max(1, round($(seconds "$out/bptplr") / $folds / ($(seconds "$out/ce_timing") / 3))))")
fi
for ((k = 1; k <= folds; ++k)); do
  echo "== cross-entropy without part $k of $folds, $ce_epochs epochs"
  train --method ce --num_epochs "$ce_epochs" --data_path "$out/set/fold$k.csv" --out "$out/ce$k"
  "$binary" predict "$out/ce$k" "$out/set/part$k" --all --threads "${THREADS:-0}" \
    --out "$out/part$k.csv"
done
ce_seconds=0
for ((k = 1; k <= folds; ++k)); do
  ce_seconds=$("$python" -c "print($ce_seconds + $(seconds "$out/ce$k"))")
done

echo
printf 'seconds of training: BPT-PLR %.0f, cross-entropy %.0f\n' "$(seconds "$out/bptplr")" "$ce_seconds"
cleanlab=$("$python" tools/check_audit.py cleanlab "$out/set/all.csv" "$out"/part*.csv)
echo "$cleanlab" | head -n -1
# The last line of an audit holds names and values: "expected 1902.3 ... out DIR".
value() { awk -v name="$1" 'END { for (i = 1; i < NF; ++i) if ($i == name) print $(i + 1) }' "$out/audit.txt"; }
echo "audit auc $(value auc) p500 $(value p500) $(echo "$cleanlab" | tail -n 1)"
