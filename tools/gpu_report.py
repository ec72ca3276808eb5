"""The report of tools/gpu_check.sh: one JSON file a day, device and commit.

usage: gpu_report.py --begin FOLDER      makes FOLDER/DATE-DEVICE-COMMIT for the checks; prints it
       gpu_report.py FOLDER REPORT.json SECTION...
                                         writes what the checks in FOLDER left, with what REPORT.json
                                         says already, and prints how the sections stand
       gpu_report.py --merge FIRST.json SECOND.json ... MERGED.json

Of a check that two reports have, the later one counts that was run to its end. `lines` are its
measurements, or the epochs of its run; `ok` is null where there was not enough time for it.

Exit code: 0 all sections are done and well, 1 a check failed, 2 the call was wrong, 3 something is
left to run.
"""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

STEP_RATIO = pathlib.Path(__file__).resolve().parent / "bench" / "step_ratio.py"
SAME = ("date", "device", "commit")  # of reports that can be merged
LOG_LINES = 25


# Where and when ------------------------------------------------------------------------------------


def said(*command):
    """What a command prints, without space around it; empty where it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine():
    query = "--query-gpu=name,driver_version,memory.total"
    gpu = [word.strip() for word in said("nvidia-smi", query, "--format=csv,noheader").split(",")]
    commit = os.environ.get("BPTPLR_CHECK_COMMIT")
    return {
        "date": datetime.date.today().isoformat(),
        "device": gpu[0] or "unknown",
        "driver": gpu[1] if len(gpu) > 1 else None,
        "memory": gpu[2] if len(gpu) > 2 else None,
        "nvcc": said("nvcc", "--version").rpartition("\n")[2] or None,
        "commit": commit
        or said("git", "describe", "--always", "--dirty", "--exclude=*")
        or "unknown",
    }


def begin(folder):
    here = machine()
    name = re.sub(r"[^\w.]+", "-", "-".join(here[key] for key in SAME), flags=re.ASCII)
    state = pathlib.Path(folder) / name
    state.mkdir(parents=True, exist_ok=True)
    (state / "machine.json").write_text(json.dumps(here), encoding="utf-8")
    print(state)
    return 0


# What the checks left ------------------------------------------------------------------------------


def lines(path):
    """The objects of a JSON lines file, without the line that a killed program left half-written."""
    objects = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                objects.append(json.loads(line))
            except json.JSONDecodeError:
                print(
                    f"gpu_report: {path} has a line that is no JSON: {line[:60]}", file=sys.stderr
                )
    return objects


def section_of(folder):
    checks = {}
    for line in lines(folder / "checks.jsonl"):
        name = line.pop("check")
        checks[name] = line
        measured = lines(folder / f"{name}.jsonl")
        if measured:
            line["lines"] = measured
        log = folder / f"{name}.log"
        if line["ok"] is False and log.is_file():
            text = log.read_text(encoding="utf-8", errors="replace")
            line["log"] = [row[:300] for row in text.splitlines()[-LOG_LINES:]]
    return {"done": (folder / "done").exists(), "checks": checks}


def report_of(state):
    report = json.loads((state / "machine.json").read_text(encoding="utf-8"))
    report["sections"] = {
        folder.name: section_of(folder) for folder in sorted(state.iterdir()) if folder.is_dir()
    }
    return report


# Reports -------------------------------------------------------------------------------------------


def newer(one, other):
    """Of two outcomes of a check, the one that counts; the other where both are of one second."""
    return max(other, one, key=lambda outcome: (outcome["ok"] is not None, outcome["at"]))


def merged(one, other):
    """Two reports as one; where both say something about the machine, the second is right."""
    sections = dict(one["sections"])
    for name, section in other["sections"].items():
        known = sections.get(name, {"done": False, "checks": {}})
        checks = dict(known["checks"])
        for check, outcome in section["checks"].items():
            checks[check] = newer(checks.get(check, outcome), outcome)
        sections[name] = {"done": known["done"] or section["done"], "checks": checks}
    return {**one, **other, "sections": sections}


def ratios(report):
    """What step_ratio.py makes of all times of steps: its last lines, `ratio_eager R` and `ratio R`."""
    checks = report["sections"].get("steps", {"checks": {}})["checks"].values()
    times = [line for outcome in checks for line in outcome.get("lines", ())]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in times)
        file.flush()
        table = said(sys.executable, str(STEP_RATIO), file.name) if times else ""
    found = re.findall(r"^(ratio\w*) ([\d.]+)$", table, flags=re.MULTILINE)
    return table, {name: float(value) for name, value in found}


def write(report, path):
    table, numbers = ratios(report)
    report = {key: value for key, value in report.items() if not key.startswith("ratio")}
    report.update(numbers)
    report["sections"] = report.pop("sections")  # last, as it is long
    new = path.with_name(path.name + ".new")  # whoever stops this finds the old one whole
    new.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    new.replace(path)
    if table:
        print(table)
    return report


def summary(report, names):
    """Prints how the sections stand and returns the exit code."""
    codes = []
    for name in names:
        section = report["sections"].get(name, {"done": False, "checks": {}})
        checks = section["checks"]
        failed = [check for check, outcome in checks.items() if outcome["ok"] is False]
        left = [check for check, outcome in checks.items() if outcome["ok"] is None]
        complete = section["done"] and not left
        words = [] if complete else ["not finished" if checks else "not run"]
        words = (["FAILED"] if failed else []) + words or ["ok" if checks else "nothing to run"]
        seconds = sum(outcome["seconds"] for outcome in checks.values())
        print(f"{name:10}  {seconds:5} s  {', '.join(words)}  {' '.join(failed + left)}".rstrip())
        codes.append(1 if failed else 0 if complete else 3)
    return 1 if 1 in codes else max(codes, default=0)


def read(path):
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def merge(*paths):
    *sources, target = paths
    reports = [read(path) for path in sources]
    for path, report in zip(sources, reports):
        for key in SAME:
            if report[key] != reports[0][key]:
                print(
                    f"gpu_report: {path} is of another {key}, {report[key]}, than {sources[0]}, "
                    f"{reports[0][key]}",
                    file=sys.stderr,
                )
                return 2
    report = reports[0]
    for other in reports[1:]:
        report = merged(report, other)
    report = write(report, pathlib.Path(target))
    return summary(report, report["sections"])


def main(arguments):
    if arguments[:1] == ["--begin"] and len(arguments) == 2:
        return begin(arguments[1])
    if arguments[:1] == ["--merge"] and len(arguments) >= 3:
        return merge(*arguments[1:])
    if len(arguments) >= 3 and not arguments[0].startswith("-"):
        path, now = pathlib.Path(arguments[1]), report_of(pathlib.Path(arguments[0]))
        write(merged(read(path), now) if path.is_file() else now, path)
        code = summary(now, arguments[2:])
        print("wrote", path)
        return code
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
