#!/usr/bin/env bash
# Trains on three hosts: network namespaces with names, addresses and real TCP between them. All must
# see the figures of one host; then one host's link is cut in the middle of an epoch: everybody ends
# with a sentence, and the run goes on on the two hosts that are left.
# usage: tools/check_hosts.sh      as root, with iproute2, util-linux and Open MPI; builds build/cpu
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=$PWD/build/cpu/bptplr
[[ -x $program ]] || { echo "build build/cpu first (tools/test.sh)" >&2; exit 1; }
work=$(mktemp -d)
hosts=(alpha beta gamma)

clean_up() {
  for host in "${hosts[@]}"; do
    ip netns pids "bptplr-$host" 2>/dev/null | xargs -r kill -9 2>/dev/null || true
    ip netns del "bptplr-$host" 2>/dev/null || true
  done
  for host in "${hosts[@]}"; do ip link del "bp-$host" 2>/dev/null || true; done
  ip link del bptplr-br 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
trap "exit 1" INT TERM

ip link add bptplr-br type bridge
ip link set bptplr-br up
number=1
for host in "${hosts[@]}"; do
  ip netns add "bptplr-$host"
  ip link add "bp-$host" type veth peer name eth0 netns "bptplr-$host"
  ip link set "bp-$host" master bptplr-br up
  ip netns exec "bptplr-$host" ip addr add "10.99.0.$number/24" dev eth0
  ip netns exec "bptplr-$host" ip link set eth0 up
  ip netns exec "bptplr-$host" ip link set lo up
  echo "10.99.0.$number $host" >>"$work/hosts"
  number=$((number + 1))
done

# Runs a command on a host, as ssh would: in its network, under its name.
cat >"$work/on_host" <<EOF
#!/usr/bin/env bash
host=\$1; shift
exec ip netns exec "bptplr-\$host" unshare --uts --mount bash -c '
  hostname "\$0"; mount --bind $work/hosts /etc/hosts; exec bash -c "\$1"' "\$host" "\$*"
EOF
chmod +x "$work/on_host"

# Open MPI itself asks only after five minutes whether its other hosts are still there, and never
# once it has orders for one, as when a rank has ended: so it has to ask before the ranks give up.
train() {  # ranks-per-host hosts flags...
  local each=$1 names=$2 list="" name
  shift 2
  for name in $names; do list+="${list:+,}$name:$each"; done
  "$work/on_host" alpha env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    OMP_WAIT_POLICY=passive OMP_NUM_THREADS=1 mpirun --host "$list" --map-by ":OVERSUBSCRIBE" \
    --bind-to none --mca btl self,tcp --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 \
    --mca oob_tcp_keepalive_time 10 --mca oob_tcp_keepalive_intvl 3 \
    --mca oob_tcp_keepalive_probes 3 --mca plm_rsh_agent "$work/on_host" -x OMP_NUM_THREADS -x OMP_WAIT_POLICY \
    "$program" train --dataset shapes --shapes_train 200 --shapes_test 60 --width 4 \
    --blocks 1,1,1,1 --low_dim 8 --batch_size 16 --warm_up 1 --num_epochs 6 --r 0.3 --seed 3 \
    --device cpu --quiet --threads 1 "$@"
}

losses() {  # of the first epochs of a run
  python3 - "$1" "$2" <<'EOF'
import json, sys
for line in open(sys.argv[1] + "/metrics.jsonl").read().splitlines()[: int(sys.argv[2])]:
    epoch = json.loads(line)
    print(epoch["epoch"], repr(epoch["loss"]), epoch["test_acc"])
EOF
}

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
echo "== three ranks of one host"
train 3 alpha --out "$work/one"
echo "== three hosts, a rank each"
train 1 "alpha beta gamma" --out "$work/three"
diff <(losses "$work/one" 6) <(losses "$work/three" 6)
echo "the figures of all epochs are the same"

echo "== the link of gamma is cut"
begin=$SECONDS
train 1 "alpha beta gamma" --num_epochs 500 --out "$work/cut" >"$work/cut.log" 2>&1 &
job=$!
until [[ -e $work/cut/metrics.jsonl && $(wc -l <"$work/cut/metrics.jsonl") -ge 2 ]]; do sleep 0.2; done
ip link set bp-gamma down
cut=$SECONDS
code=0
wait "$job" || code=$?
echo "cut after $((cut - begin)) s; the job ended $((SECONDS - cut)) s later with exit code $code:"
grep "bptplr: error" "$work/cut.log"
for _ in $(seq 60); do  # the ranks of the lost host, which mpirun cannot reach
  pgrep -f "out $work/cut" >/dev/null || break
  sleep 1
done
! pgrep -f "out $work/cut" >/dev/null || { echo "a rank still runs" >&2; exit 1; }
[[ $code -ne 0 && $((SECONDS - cut)) -le 90 ]]
grep -qE "bptplr: error: rank [0-9] \(process [0-9]+ on [a-z]+\) (no longer answers|died)" "$work/cut.log"

echo "== goes on on two hosts"
train 1 "alpha beta" --num_epochs 500 --out "$work/cut" --resume --max_hours 0.002 || [[ $? -eq 3 ]]
echo "epochs done: $(wc -l <"$work/cut/metrics.jsonl")"
