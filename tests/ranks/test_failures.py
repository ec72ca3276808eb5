"""Kills ranks of a run at random moments and lets it go on: it must never hang, must say which rank
is gone, and must end with the losses of a run that nobody disturbed.

usage: test_failures.py BPTPLR MPIRUN [--kills N] [--ranks N] [--seed N]
"""

import argparse
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import time

RECIPE = """--dataset shapes --shapes_train 200 --shapes_test 60 --width 4 --blocks 1,1,1,1 --low_dim 8
    --batch_size 16 --warm_up 2 --num_epochs 7 --r 0.3 --seed 3 --device cpu --quiet""".split()
# What the ranks have to end within after one is gone.
LIMIT_S = 60
# Open MPI refuses root, and more ranks than processors, unless told that both are meant.
ENVIRONMENT = {
    **os.environ,
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",  # the same for Open MPI 5
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMP_WAIT_POLICY": "passive",
}
STOPPED = 3


class Job:
    """`mpirun -n RANKS bptplr train` in a folder; goes on where a run is there."""

    def __init__(self, program, mpirun, ranks, out, log):
        command = [mpirun, "-n", str(ranks), program, "train", *RECIPE, "--resume"]
        self.log = log
        self.process = subprocess.Popen(
            [*command, "--out", str(out)],
            stdout=log.open("a"),
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
        )

    def ranks(self):
        """The processes of the ranks, by number, as far as they have started."""
        found = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                status = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                environment = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            rank = [v for v in environment if v.startswith(b"OMPI_COMM_WORLD_RANK=")]
            if rank and int(status[1]) == self.process.pid:
                found[int(rank[0].split(b"=")[1])] = int(folder.name)
        return found

    def wait(self, limit):
        """The exit code; a job that goes on for longer has failed the test."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise SystemExit(f"a job hangs; its output:\n{self.log.read_text()}") from None


def figures(out):
    """The losses and accuracies of every epoch."""
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    times = ("seconds", "images_per_s", "peak_memory_gib")
    return [{name: value for name, value in line.items() if name not in times} for line in lines]


def finish(arguments, folder, name, ranks):
    """Trains a run to its end, on from what there is."""
    job = Job(arguments.program, arguments.mpirun, ranks, folder / name, folder / f"{name}.log")
    if job.wait(300) != 0:
        raise SystemExit(f"a run failed:\n{job.log.read_text()}")
    return figures(folder / name)


def disturb(arguments, folder, name, number, moment):
    """Sends a signal to a random rank at that moment; returns its rank and how the job ended."""
    log = folder / f"{name}.log"
    job = Job(arguments.program, arguments.mpirun, arguments.ranks, folder / name, log)
    time.sleep(moment)
    ranks = job.ranks()
    if not ranks:
        return None, job.wait(300)
    rank = random.choice(sorted(ranks))
    os.kill(ranks[rank], number)
    return rank, job.wait(LIMIT_S)


def check_kills(arguments, folder, expected, seconds):
    """Kills a rank, several times in a run; then the run must end as the undisturbed one."""
    named = 0
    killed = 0
    run = 0
    while killed < arguments.kills:
        run += 1
        name = f"killed{run}"
        for _ in range(3):
            moment = random.uniform(0.1, seconds)
            rank, code = disturb(arguments, folder, name, signal.SIGKILL, moment)
            if code == 0:
                break
            killed += rank is not None
            text = (folder / f"{name}.log").read_text()
            named += bool(re.search(rf"rank {rank} \(process \d+ on .*\) died", text))
        if finish(arguments, folder, name, arguments.ranks) != expected:
            raise SystemExit(f"run {name} went on to other figures than the undisturbed one")
    print(f"{killed} kills in {run} runs: no hang, the same figures; {named} named by the others")


def check_stop(arguments, folder, expected, seconds):
    """SIGTERM to any rank: one checkpoint, exit code 3; then another number of ranks goes on."""
    for run in range(20):
        name = f"stopped{run}"
        _, code = disturb(arguments, folder, name, signal.SIGTERM, seconds * 0.6)
        if code == STOPPED:
            break
    else:
        raise SystemExit(f"no run ended with {STOPPED} after SIGTERM, but with {code}")
    # Those of ends of epochs are kept too; within an epoch only the stop writes one.
    checkpoints = [path.name for path in (folder / name / "checkpoints").iterdir()]
    if not checkpoints or sum("_net" in path for path in checkpoints) > 1:
        raise SystemExit(f"there should be one checkpoint of the stop, not {checkpoints}")
    found = finish(arguments, folder, name, arguments.ranks - 1)
    if [line["epoch"] for line in found] != [line["epoch"] for line in expected]:
        raise SystemExit("the stopped run lacks epochs")
    print("SIGTERM: exit code 3, one checkpoint; goes on with another number of ranks")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("mpirun")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--ranks", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        begin = time.monotonic()
        expected = finish(arguments, folder, "undisturbed", arguments.ranks)
        seconds = time.monotonic() - begin
        check_stop(arguments, folder, expected, seconds)
        check_kills(arguments, folder, expected, seconds)


if __name__ == "__main__":
    main()
