#!/usr/bin/env bash
# Shows in a few minutes what BPT-PLR is for: two networks of one size see the same images with 40 %
# symmetric label noise, one trained with BPT-PLR, one with plain cross-entropy.
# usage: tools/demo.sh        DEMO_OUT=DIR keeps the runs there (default: runs/demo, made anew)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh
cmake --preset cpu >/dev/null
cmake --build --preset cpu --parallel "${BPTPLR_JOBS:-$(nproc)}" --target bptplr

out=${DEMO_OUT:-runs/demo}
rm -rf "$out/bptplr" "$out/ce"
mkdir -p "$out"
start=$SECONDS
for method in bptplr ce; do
  echo
  echo "== training with $method"
  build/cpu/bptplr train --recipe shapes-demo --method "$method" --out "$out/$method" |
    tee "$out.$method.log"
done
seconds=$((SECONDS - start))

# The last line of a training run holds names and values: "best_acc 81.23 ... out DIR".
value() { awk -v name="$2" 'END { for (i = 1; i < NF; ++i) if ($i == name) print $(i + 1) }' "$1"; }
bpt=$out.bptplr.log
echo
echo "== 40 % symmetric noise on the built-in shapes, $seconds s of training"
echo "test accuracy, mean of the last 10 epochs"
echo "  plain cross-entropy   $(value "$out.ce.log" mean_last10) %"
echo "  BPT-PLR               $(value "$bpt" mean_last10) %"
echo "wrong labels: $(value "$bpt" found) of $(value "$bpt" wrong) found among" \
  "$(value "$bpt" flagged) flagged, AUC $(value "$bpt" auc)"
echo "(flagged: the two networks' mean clean probability in the last epoch is at most 0.5)"
mv "$bpt" "$out/bptplr/output.txt"
mv "$out.ce.log" "$out/ce/output.txt"
