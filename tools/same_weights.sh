#!/usr/bin/env bash
# Trains a short run of every method with two builds of bptplr and compares the weights, bit by bit:
# whether a change that should change nothing has changed nothing.
# usage: tools/same_weights.sh BPTPLR_A BPTPLR_B      two programs, each of its own checkout
set -euo pipefail
export OMP_WAIT_POLICY=passive  # other work may share the cores
[[ $# -eq 2 && -x $1 && -x $2 ]] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# A flag of a run takes the place of the one here.
small=(--dataset=shapes --shapes_train=240 --shapes_test=60 --width=4 "--blocks=1,1,1,1"
  --batch_size=16 --num_epochs=6 --warm_up=2 --seed=7 --threads=2 --device=cpu)

# Every method, then the choices that no method makes by itself.
runs=()
for method in bptplr dividemix unicon longremix plremix mixup gce ce; do
  runs+=("$method: --method $method")
done
runs+=("reference preset: --preset reference"
  "instance noise: --noise_mode instance --r 0.4 --warm_up_penalty on --warm_up_contrastive info_nce"
  "flat PLR apart: --contrastive flat_plr --contrastive_forward apart --lr_schedule step --lr_steps 50%:10"
  "two statistics: --statistic jsd --selection gmm --exchange joint --jsd_base 2"
  "resnet50: --arch resnet50 --projector linear_bn"
  "vgg19_bn: --arch vgg19_bn --method dividemix --num_epochs=3 --warm_up=1"
  "cnn9: --arch cnn9 --epoch_size 120")

differing=0
for run in "${runs[@]}"; do
  name=${run%%: *}
  read -ra flags <<<"${run#*: }"
  for flag in "${small[@]}"; do
    [[ $flag == --blocks* && $run == *"--arch "[vc]* ]] && continue  # no residual blocks there
    [[ " ${flags[*]}" == *" ${flag%%=*}="* ]] || flags+=("$flag")
  done
  for build in a b; do
    program=$1
    [[ $build == b ]] && program=$2
    out=$folder/$build
    rm -rf "$out"
    "$program" train "${flags[@]}" --out "$out" >"$folder/$build.log" 2>&1 ||
      { echo "$program failed on $name:"; tail -3 "$folder/$build.log"; exit 1; }
    (cd "$out" && sha256sum model*.safetensors) >"$folder/$build.sum"
  done
  if cmp -s "$folder/a.sum" "$folder/b.sum"; then
    printf '%-18s same bits     %s\n' "$name" "$(cut -c1-16 "$folder/a.sum" | paste -sd' ')"
  else
    printf '%-18s OTHER WEIGHTS\n' "$name"
    differing=$((differing + 1))
  fi
done
echo "${#runs[@]} runs, $differing with other weights"
[[ $differing -eq 0 ]]
