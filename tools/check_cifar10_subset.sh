#!/usr/bin/env bash
# BPT-PLR against plain cross-entropy on real images: 5,000 training images of CIFAR-10, equally
# many a class, with 50 % symmetric noise, tested on the whole test set; the same small network,
# epochs and seed for both.
#
# usage: tools/check_cifar10_subset.sh DATA_DIR      cifar-10-batches-bin or cifar-10-batches-py
# Environment: SUBSET R WIDTH BLOCKS EPOCHS WARM_UP BATCH LR LAMBDA_U SEED THREADS OUT EXTRA
#
# The last line is "bptplr A ce C auc U": A and C are the final test accuracies in percent (those of
# the last epoch); U is the AUC of the clean probability in that epoch, mean of both networks.
set -euo pipefail
if [[ $# -ne 1 ]]; then
  echo "usage: tools/check_cifar10_subset.sh DATA_DIR" >&2
  exit 2
fi
[[ -d $1 ]] || { echo "check: there is no folder $1" >&2; exit 1; }
data=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."

binary=${BPTPLR:-build/cpu/bptplr}
if [[ ! -x $binary ]]; then
  tools/setup.sh
  cmake --preset cpu >/dev/null
  cmake --build --preset cpu --parallel "$(nproc)" --target bptplr
fi


out=${OUT:-runs/check_cifar10_subset}
flags=(--dataset cifar10 --data_path "$data" --noise_mode sym
  --subset "${SUBSET:-5000}" --r "${R:-0.5}" --width "${WIDTH:-16}" --blocks "${BLOCKS:-1,1,1,1}"
  --num_epochs "${EPOCHS:-75}" --warm_up "${WARM_UP:-45}" --batch_size "${BATCH:-32}"
  --lr "${LR:-0.05}" --lambda_u "${LAMBDA_U:-25}" --seed "${SEED:-1}" --threads "${THREADS:-0}")
# EXTRA: further flags for both runs, split at spaces.
read -r -a extra <<<"${EXTRA:---alpha 0.5 --lambda_ramp 5 --loss_history 3 --proto_momentum 0 --warm_up_temperature 1 --warm_up_batch_factor 1}"
for method in bptplr ce; do
  rm -rf "${out:?}/$method"
  echo "== $method"
  "$binary" train "${flags[@]}" "${extra[@]}" --method "$method" --out "$out/$method"
done

figure() { python3 tools/final_figures.py "$out/$1" "$2"; }
echo "bptplr $(figure bptplr test_acc) ce $(figure ce test_acc) auc $(figure bptplr auc)"
