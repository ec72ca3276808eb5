"""Writes the report of tools/gpu_check.sh: DATE-DEVICE-COMMIT.json in OUT.

usage: gpu_report.py OUT CHECKS
  CHECKS   {"name": passed, ...} in JSON; null: not run, for want of time

What an earlier call on the same day, device and commit has reported is kept where this one has
nothing. Lines that a killed program left half-written are left out.
"""

import datetime
import json
import pathlib
import subprocess
import sys


def said(*command):
    """What a command prints, without space around it; None where it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def lines(path):
    """The objects of a JSON lines file; None where there are none."""
    objects = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                objects.append(json.loads(line))
            except json.JSONDecodeError:
                print(
                    f"gpu_report: {path} has a line that is no JSON: {line[:60]}", file=sys.stderr
                )
    return objects or None


def newest(earlier, now):
    """`now`, with what `earlier` says where it says nothing (null)."""
    return earlier | {
        key: value for key, value in now.items() if value is not None or key not in earlier
    }


def main():
    out = pathlib.Path(sys.argv[1])
    report = {
        "date": datetime.date.today().isoformat(),
        "device": said("nvidia-smi", "--query-gpu=name", "--format=csv,noheader") or "unknown",
        "driver": said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        "nvcc": (said("nvcc", "--version") or "unknown").splitlines()[-1],
        "commit": said("git", "rev-parse", "--short", "HEAD") or "unknown",
        "checks": json.loads(sys.argv[2]),
        "kernels": lines(out / "kernels.jsonl"),
        "steps": lines(out / "steps.jsonl"),
        "epochs": lines(out / "epochs.jsonl"),
        "cifar10": lines(out / "run_cifar10" / "metrics.jsonl"),
    }
    name = f"{report['date']}-{report['device'].replace(' ', '-')}-{report['commit']}.json"
    path = out / name
    if path.is_file():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        report["checks"] = newest(earlier["checks"], report["checks"])
        report = newest(earlier, report)
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print("wrote", path)


if __name__ == "__main__":
    main()
