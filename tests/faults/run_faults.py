#!/usr/bin/env python3
"""Runs commands of bptplr on tiny data while one call after the other fails, or while they are
killed, and checks how they end and what the same command makes of what is left.

usage: run_faults.py BPTPLR LIBRARY [OPTIONS]      --help lists them, README.md what is checked"""

import argparse
import collections
import dataclasses
import errno
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib

TRAINING = (
    "--width 2 --low_dim 8 --blocks 1,1,1,1 --batch_size 8 --warm_up 1 --num_epochs 2 "
    "--p_threshold 0.1 --kappa 0:1 --r 0.4 --device cpu --threads 1"
)
FOLDER = (
    f"--dataset folder --data_path ../set --image_size 16 --cache_dir cache --noise_mode sym "
    f"{TRAINING}"
)
SHAPES = f"--dataset shapes --shapes_train 60 --shapes_test 20 --crop 16 {TRAINING}"
APPLY = "audit r --device cpu --threads 1 --decisions r/decisions.json --apply"
TIMEOUT_S = 60.0


@dataclasses.dataclass(frozen=True)
class Command:
    """A command, where it begins, and what is to be called after a fault."""

    words: str
    start: str = "run"  # a name in Bench.starts
    again: str = ""  # where it is not the same command
    prints: bool = True  # whether stdout is a result that must be the same
    once: str = ""  # a folder that it refuses to write to again
    says: str = ""  # what its results say in place of a warning


COMMANDS = {
    "train": Command(
        f"train {FOLDER} --out r", "empty", f"train {FOLDER} --resume --out r", prints=False
    ),
    "resume": Command(f"train {FOLDER} --resume --out r", "stopped", prints=False),
    "compare": Command(f"compare bptplr ce --seeds 1 {SHAPES} --out c", "empty", prints=False),
    "audit": Command("audit r --device cpu --threads 1"),
    "apply csv": Command(f"{APPLY} csv fixed", once="fixed"),
    "apply copy": Command(f"{APPLY} copy fixed", once="fixed"),
    "report": Command("report r", says="This cannot be shown: "),
    "eval": Command("eval r --device cpu --threads 1"),
    "predict": Command("predict r ../set/test --device cpu --threads 1 --out p.csv"),
    "check": Command("data check ../set --threads 1 --page page.png", says="unreadable  1\n"),
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """What fails in the n-th call of a family of fail_nth.cpp."""

    family: str
    error: int = errno.EIO
    how: str = "once"
    harmless: bool = False  # whether it is allowed by POSIX, so that nothing may come of it
    least_bytes: int = 0

    def environment(self, nth):
        return {
            "FAIL_FAMILY": self.family,
            "FAIL_NTH": str(nth),
            "FAIL_ERROR": str(self.error),
            "FAIL_HOW": self.how,
            "FAIL_LEAST_BYTES": str(self.least_bytes),
        }


FAULTS = {
    "open": Fault("open"),
    "open:limit": Fault("open", errno.EMFILE, "from_on"),
    "read": Fault("read"),
    "read:short": Fault("read", how="short", harmless=True),
    "read:interrupted": Fault("read", errno.EINTR, harmless=True),
    "readdir": Fault("readdir"),
    "write": Fault("write", errno.ENOSPC),
    "write:short": Fault("write", how="short", harmless=True),
    "write:interrupted": Fault("write", errno.EINTR, harmless=True),
    "write:torn": Fault("write", errno.ENOSPC, "torn"),
    "write:full": Fault("write", errno.ENOSPC, "from_on"),
    "sendfile": Fault("sendfile", errno.ENOSPC),
    "sendfile:torn": Fault("sendfile", errno.ENOSPC, "torn"),
    "fsync": Fault("fsync"),
    "fsync:full": Fault("fsync", errno.ENOSPC, "from_on"),
    "rename": Fault("rename"),
    "unlink": Fault("unlink", errno.EACCES),
    "mkdir": Fault("mkdir", errno.ENOSPC),
    "ftruncate": Fault("ftruncate"),
    "close": Fault("close"),
    "flock": Fault("flock", errno.ENOLCK),
    "stat": Fault("stat"),
    "mmap": Fault("mmap", errno.ENOMEM),
    "thread": Fault("thread", errno.EAGAIN),
    "malloc:large": Fault("malloc", errno.ENOMEM, least_bytes=16 * 1024),
    "malloc": Fault("malloc", errno.ENOMEM),
}

# Words of libraries, which no sentence for a person contains.
LIBRARY = re.compile(
    r"terminate called|filesystem error|basic_string|std::|bad_alloc|what\(\)|iostream|basic_ios|"
    r"vector::|::at\b|_M_|dnnl|onednn|primitive|json\.exception|libgomp|stoi|: Success\b"
)
# Where libraries end the process for want of memory, which no caller can prevent: in functions that
# must not throw, and where they use the null pointer that they got. By frame of the stack.
NOT_OURS = {
    "oneDNN": re.compile(r"from .*libdnnl"),
    "CLI11": re.compile(r" in CLI::"),
    "nlohmann_json": re.compile(r" in nlohmann::"),
    "directory_iterator": re.compile(r" in std::filesystem::.*directory_iterator::"),
}
RUNTIME = re.compile(
    r"libstdc\+\+|libgcc_s|_Unwind|__gxx|terminate|raise|abort|pthread_kill|__libc"
)
# What differs from run to run: times, and the memory that one took.
VOLATILE = [
    (re.compile(rb'"(seconds|minutes)":(\{[^}]*\}|[-+.0-9e]+)'), rb'"\1":0'),
    (re.compile(rb'"(images_per_s|peak_memory_gib)":[-+.0-9e]+'), rb'"\1":0'),
    (re.compile(rb",[.0-9]+,cpu,"), rb",0,cpu,"),  # seconds in compare.csv
    (re.compile(rb"\| [.0-9]+ \|$", re.MULTILINE), b"| 0 |"),  # minutes in compare.md
]
PASSED_OVER = re.compile(
    r"(^|/)(lock|before_restart_\d+/.*|events\.out\.tfevents[^/]*|stdout|stderr|fault)$"
)
PARTIAL = re.compile(r"^(c/compare\..*|r/report\.html|page\.png)$")  # may say less, but are whole
FAILED_RUN = re.compile(r", seed \d+ failed: ")  # of compare, whose other runs go on
CHECKPOINT = re.compile(r"(^|/)checkpoints/")


def write_png(path, side, seed):
    """Writes a picture of a few colours and noise."""
    draw = random.Random(seed)
    row = [draw.randrange(160) for _ in range(3 * side)]
    rows = b"".join(b"\0" + bytes(v + draw.randrange(90) for v in row) for _ in range(side))

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )  # fmt: skip


def write_set(folder):
    """Writes three classes of eight images to train and three to test."""
    for part, count in (("train", 8), ("test", 3)):
        for label in range(3):
            for i in range(count):
                seed = label + 3 * i + (1000 if part == "test" else 0)
                write_png(folder / part / f"c{label}" / f"{i}.png", 16, seed)


def contents(folder):
    """The files below a folder by name, without what differs from run to run."""
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or PASSED_OVER.search(name):
            continue
        files[name] = path.read_bytes()
        if path.suffix in (".json", ".jsonl", ".csv", ".md", ".html"):
            for pattern, text in VOLATILE:
                files[name] = pattern.sub(text, files[name])
        if path.name == "runs.jsonl":  # a failed run keeps its line, and comes last when made again
            lines = files[name].splitlines(keepends=True)
            files[name] = b"".join(sorted(line for line in lines if b'"failed":' not in line))
    return files


def is_whole(path):
    """Whether a safetensors file is as long as its header says."""
    data = path.read_bytes()
    if len(data) < 8:
        return False
    (size,) = struct.unpack("<Q", data[:8])
    try:
        header = json.loads(data[8 : 8 + size])
    except ValueError:
        return False
    header.pop("__metadata__", None)
    ends = [entry["data_offsets"][1] for entry in header.values()]
    return len(data) == 8 + size + max(ends, default=0)


@dataclasses.dataclass
class Ended:
    """How a process ended: its exit code, -N for signal N, None where it hung."""

    code: object
    out: str
    err: str

    def warnings(self):
        return [line for line in self.err.splitlines() if line.startswith("bptplr: warning: ")]

    def last_line(self):
        lines = self.err.strip().splitlines()
        return lines[-1] if lines else ""


def wrong_end(ended):
    """What is wrong with an end and its sentences; "" if nothing is."""
    if ended.code is None:
        return f"hangs for more than {TIMEOUT_S:.0f} s"
    if ended.code < 0:
        return f"ended by {signal.Signals(-ended.code).name}"
    if ended.code not in (0, 1, 3):
        return f"exit code {ended.code}"
    lines = ended.err.splitlines()
    errors = [line for line in lines if line.startswith("bptplr: error: ")]
    failed_runs = [line for line in ended.warnings() if FAILED_RUN.search(line)]
    if ended.code == 1 and not failed_runs and (len(errors) != 1 or lines[-1] != errors[0]):
        return f"{len(errors)} error sentences, not one at the end"
    if ended.code != 1 and errors:
        return f"exit code {ended.code} with an error sentence"
    foreign = [line for line in lines if not line.startswith("bptplr: ")]
    if foreign:
        return f"not a sentence of bptplr: {foreign[0]}"
    library = [line for line in lines if LIBRARY.search(line)]
    return f"words of a library: {library[0]}" if library else ""


class Bench:
    """The folders that commands start in, and what they make of them undisturbed."""

    def __init__(self, program, library, folder):
        self.program, self.library, self.folder = program, library, folder
        self.starts, self.whole = {}, {}
        # The same time after time, or numbers of allocations would change.
        self.environment = dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")
        self.environment["LC_ALL"] = "C"
        write_set(folder / "set")
        self.set = contents(folder / "set")

    def run(self, words, folder, faults=None, kill_after=None):
        """Runs a command in a folder; with `kill_after`, for so many seconds at most."""
        environment = dict(self.environment)
        if faults is not None:
            environment.update(faults)
            environment.update(LD_PRELOAD=str(self.library), FAIL_REPORT=str(folder / "fault"))
        with open(folder / "stdout", "w+b") as out, open(folder / "stderr", "w+b") as err:
            process = subprocess.Popen(
                [self.program, *words.split()], cwd=folder, env=environment, stdout=out,
                stderr=err, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                code = process.wait(TIMEOUT_S if kill_after is None else kill_after)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = None
            out.seek(0)
            err.seek(0)
            return Ended(code, out.read().decode(), err.read().decode(errors="replace"))

    def must(self, words, folder, code=0):
        ended = self.run(words, folder)
        if ended.code != code:
            sys.exit(f"{words} ends with {ended.code}, not {code}: {ended.err}")
        return ended

    def start(self, name):
        """The folder of this name that commands start in, made when it is first asked for."""
        path = self.folder / f"start_{name}"
        if name in self.starts:
            return path
        path.mkdir()
        if name == "run":
            self.must(COMMANDS["train"].words, path)
            noisy = json.loads((path / "r/noise.json").read_bytes())
            names = [f"c{label}" for label in noisy]
            decisions = [
                {"index": i, "given": given, "decision": "accept", "label": names[0]}
                for i, given in enumerate(names)
            ]
            text = json.dumps({"run": "r", "decisions": decisions})
            (path / "r/decisions.json").write_text(text, encoding="utf-8")
        elif name == "stopped":
            self.stop_within_second_epoch(path)
        for file in ("stdout", "stderr"):
            (path / file).unlink(missing_ok=True)
        self.starts[name] = contents(path)
        return path

    def stop_within_second_epoch(self, path):
        """Leaves a run that has a checkpoint within the second epoch."""
        words, hours = COMMANDS["train"].words, 1e-9
        for _ in range(100):
            self.must(f"{words} --max_hours {hours}", path, 3)
            if list(path.glob("r/checkpoints/epoch_000001_net*")):
                return
            words, hours = COMMANDS["resume"].words, hours * 1.2 + 1e-8
        sys.exit("the run was never stopped within its second epoch")

    def trial(self, name):
        """A fresh copy of what a command starts in."""
        folder = self.folder / "trial"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.start(COMMANDS[name].start), folder)
        return folder

    def undisturbed(self, name):
        """What a command makes of its start, with the calls of each kind of fault."""
        if name not in self.whole:
            folder = self.trial(name)
            begin = time.monotonic()
            ended = self.must(COMMANDS[name].words, folder)
            seconds = time.monotonic() - begin
            files = contents(folder)
            calls = {}
            for least in sorted({fault.least_bytes for fault in FAULTS.values()}):
                folder = self.trial(name)
                self.run(COMMANDS[name].words, folder, {"FAIL_LEAST_BYTES": str(least)})
                if contents(folder) != files:
                    sys.exit(f"{name}: not the same files twice, so that nothing can be compared")
                for line in (folder / "fault").read_text().splitlines():
                    calls[line.split()[1], least] = int(line.split()[2])
            self.whole[name] = Whole(ended, files, seconds, calls)
        return self.whole[name]

    def culprit(self, name, fault, nth, failed, ended):
        """The library that ends the process for want of memory; "" if it is this program."""
        if failed == "posix_memalign" and ended.code == -signal.SIGSEGV:
            return "oneDNN"  # nobody else calls it
        if ended.code == 1 and ended.last_line().startswith("libgomp: Out of memory"):
            return "libgomp"
        if fault.family != "malloc" or ended.code not in (-signal.SIGABRT, -signal.SIGSEGV):
            return ""
        folder = self.trial(name)
        variables = {**fault.environment(nth), "LD_PRELOAD": self.library}
        variables["FAIL_REPORT"] = folder / "fault"
        steps = ["unset env LINES", "unset env COLUMNS"]
        steps += [f"set env {key}={value}" for key, value in variables.items()] + ["run", "bt 20"]
        words = [word for step in steps for word in ("-ex", step)]
        try:
            traced = subprocess.run(
                ["gdb", "-batch", *words, "--args", self.program, *COMMANDS[name].words.split()],
                cwd=folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, check=False, timeout=TIMEOUT_S,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return ""
        for frame in re.findall(r"^#.*$", traced.stdout, re.MULTILINE):
            for library, pattern in NOT_OURS.items():
                if pattern.search(frame):
                    return library
            if not RUNTIME.search(frame):
                return ""
        return ""

    # --- what is wrong after an end; "" if nothing is

    def wrong_files(self, name, folder):
        """About files that are neither as they were nor as they are to become."""
        before, after = self.starts[COMMANDS[name].start], self.whole[name].files
        for file, data in contents(folder).items():
            if file.endswith(".part"):
                return f"left {file}"
            if data in (before.get(file), after.get(file)):
                continue
            if file.endswith(".safetensors"):  # written again after every epoch
                if is_whole(folder / file):
                    continue
                return f"{file} is half-written"
            expected = after.get(file)
            if expected is None:
                return f"left {file}"
            lines = iter(expected.splitlines())
            # A log has lines of the whole one in their order.
            if file.endswith(".jsonl") and (not data or data.endswith(b"\n")):
                if all(line in lines for line in data.splitlines()):
                    continue
            if PARTIAL.search(file) and data[-1:] == expected[-1:]:
                continue
            return f"{file} is neither as before nor as it is to become"
        gone = [file for file in before if not CHECKPOINT.search(file) and
                not (folder / file).exists()]  # fmt: skip
        return f"{gone[0]} is gone" if gone else ""

    def other_results(self, name, folder, ended):
        """About results that differ from those of the command undisturbed."""
        expected, found = self.whole[name].files, contents(folder)
        # A warning may have said that a checkpoint could not be written, which training survives.
        expected = {file: expected[file] for file in expected if not CHECKPOINT.search(file)}
        found = {f: found[f] for f in found if not CHECKPOINT.search(f) or f.endswith(".part")}
        for file in sorted(expected.keys() | found.keys()):
            if file not in found:
                return f"{file} is missing"
            if file not in expected:
                return f"left {file}"
            if found[file] != expected[file]:
                return f"{file} is another"
        if COMMANDS[name].prints and ended.out != self.whole[name].ended.out:
            return "it prints something else"
        return ""

    def wrong_rest(self, name, folder):
        """About what the command makes of what is left."""
        if COMMANDS[name].once:
            shutil.rmtree(folder / COMMANDS[name].once, ignore_errors=True)
        again = self.run(COMMANDS[name].again or COMMANDS[name].words, folder)
        if again.code != 0:
            return f"again: exit code {again.code}: {again.last_line()}"
        wrong = wrong_end(again) or self.other_results(name, folder, again)
        return f"again: {wrong}" if wrong else ""

    def says(self, name, fault, folder, ended):
        """Whether the results name a file that could not be read, which is no matter of memory."""
        says, page = COMMANDS[name].says, folder / "r/report.html"
        text = ended.out + (page.read_text(encoding="utf-8") if page.exists() else "")
        return says and says in text and (name == "report" or fault.family != "malloc")

    def wrong_after(self, name, fault, folder, ended):
        """About the end after a fault, and about what is made of the rest; how it ended."""
        wrong = wrong_end(ended)
        warned = set(ended.warnings()) - set(self.whole[name].ended.warnings())
        if self.says(name, fault, folder, ended):
            warned.add(COMMANDS[name].says)
        if not wrong and fault.harmless and (ended.code != 0 or warned):
            wrong = f"takes as a failure what is none: {ended.last_line()}"
        if not wrong and (ended.code != 0 or warned):
            wrong = self.wrong_files(name, folder)
        elif not wrong:
            wrong = self.other_results(name, folder, ended)
            if wrong.startswith("cache/"):
                wrong = ""  # no result: it only has to serve the next command
        wrongs = [wrong, self.wrong_rest(name, folder)]
        # What could not be removed, or not for want of memory; the next command replaces it.
        if fault.family == "unlink":
            left = re.compile(r"left |again: left .*(?<!\.part)$")
            wrongs = ["" if left.match(wrong) else wrong for wrong in wrongs]
        elif fault.family == "malloc" and re.fullmatch(r"left .*\.part", wrongs[0]):
            wrongs[0] = ""
        if contents(self.folder / "set") != self.set:
            sys.exit(f"{name} changed the data set")
        return wrongs, "warned" if ended.code == 0 and warned else ENDS.get(ended.code, "bad")


@dataclasses.dataclass
class Whole:
    """A command that nothing disturbed: its end, files, time and calls by (family, least bytes)."""

    ended: Ended
    files: dict
    seconds: float
    calls: dict


ENDS = {0: "ok", 1: "error", 3: "stopped"}


def sample(count, most, shift):
    """At most `most` numbers of 1 to `count`, evenly spaced; `shift`, below 1, moves them."""
    if count <= most:
        return list(range(1, count + 1))
    return sorted({1 + int((i + shift) * count / most) for i in range(most)})


def inject_one(bench, name, kind, nth, show):
    """Runs a command with one fault; returns how it ended, and what was wrong if anything was."""
    fault = FAULTS[kind]
    folder = bench.trial(name)
    ended = bench.run(COMMANDS[name].words, folder, fault.environment(nth))
    report = folder / "fault"
    failed = re.search(
        r"^failed (.*)$", report.read_text() if report.exists() else "", re.MULTILINE
    )
    if show:
        print(f"exit code {ended.code}\n{ended.out}{ended.err}", end="")
    wrongs, end = bench.wrong_after(name, fault, folder, ended)
    if failed is None:
        end = "missed"  # it made fewer calls than before
    call = failed.group(1).strip() if failed else ""
    library = bench.culprit(name, fault, nth, call, ended) if wrong_end(ended) else ""
    if library:
        end, wrongs = f"library {library}", wrongs[1:]
    wrong = "; ".join(filter(None, wrongs))
    if not wrong:
        return end, None
    return "bad", {
        "command": name, "fault": kind, "nth": nth, "wrong": wrong,
        "failed": call, "exit_code": ended.code,
        "stderr": ended.last_line(),
    }  # fmt: skip


def inject(bench, options):
    """Runs every command with every fault; returns rows of the table, and what went wrong."""
    rows, bad, libraries = [], [], collections.Counter()
    for name in options.commands:
        whole = bench.undisturbed(name)
        for kind in options.faults:
            calls = whole.calls[FAULTS[kind].family, FAULTS[kind].least_bytes]
            numbers = [options.nth] if options.nth else sample(calls, options.most, options.shift)
            ends = collections.Counter()
            for nth in numbers:
                end, wrong = inject_one(bench, name, kind, nth, options.show)
                end, _, library = end.partition(" ")
                ends[end] += 1
                if library:
                    libraries[library] += 1
                if wrong:
                    bad.append(wrong)
            rows.append({"command": name, "fault": kind, "calls": calls, **ends})
            print_row(rows[-1])
    for library, count in libraries.items():
        print(f"{count} times {library} ended the process for want of memory")
    return rows, bad


COLUMNS = ("ok", "warned", "error", "stopped", "missed", "library", "bad")


def print_row(row):
    text = "".join(f"{row.get(column, 0) or '-':>9}" for column in COLUMNS)
    print(f"{row['command']:<12}{row['fault']:<18}{row['calls']:>8}{text}", flush=True)


def kill(bench, options):
    """Kills commands at random moments, some twice; returns rows of the table, and lost runs."""
    draw = random.Random(options.seed)
    ends = {name: collections.Counter() for name in options.commands}
    bad = []
    for i in range(options.kills):
        name = options.commands[i % len(options.commands)]
        whole = bench.undisturbed(name)
        folder = bench.trial(name)
        words = COMMANDS[name].words
        killed = False
        for _ in range(1 + (draw.random() < 0.3)):
            ended = bench.run(words, folder, kill_after=draw.random() * whole.seconds)
            killed = killed or ended.code is None
            if ended.code == 0:
                break
            words = COMMANDS[name].again or words
        wrong = "" if ended.code is None else wrong_end(ended)
        wrong = wrong or bench.wrong_rest(name, folder)
        ends[name]["bad" if wrong else "killed" if killed else "ok"] += 1
        if wrong:
            bad.append({"command": name, "fault": "SIGKILL", "nth": i, "wrong": wrong,
                        "failed": "", "exit_code": None, "stderr": ""})  # fmt: skip
    return [{"command": name, "fault": "SIGKILL", **ends[name]} for name in ends], bad


def print_bad(bad):
    """Prints what is wrong, the same things of one command together."""
    groups = collections.defaultdict(list)
    for one in bad:
        groups[one["command"], one["fault"], re.sub(r"\d+", "N", one["wrong"])].append(one)
    for (command, fault, _), ones in groups.items():
        print(f"\n{command}, {fault}, n = {' '.join(str(one['nth']) for one in ones[:12])}"
              f"{' ...' if len(ones) > 12 else ''} ({len(ones)}): {ones[0]['wrong']}")  # fmt: skip
        for what in ("failed", "stderr"):
            if ones[0][what]:
                print(f"  {what}: {ones[0][what]}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program", type=pathlib.Path, help="the built bptplr")
    parser.add_argument("library", type=pathlib.Path, help="the built libfail_nth.so")
    parser.add_argument("--commands", help=f"of {', '.join(COMMANDS)} (all)")
    parser.add_argument("--faults", help=f"of {', '.join(FAULTS)} (all)")
    parser.add_argument("--without", help="kinds of faults to leave out")
    parser.add_argument("--most", type=int, default=10**9, help="calls to fail, of each kind (all)")
    parser.add_argument("--shift", type=float, default=0.5, help="which, from 0 to below 1 (0.5)")
    parser.add_argument("--nth", type=int, help="fail this call only")
    parser.add_argument("--kills", type=int, help="kill so many times in place of faults")
    parser.add_argument("--seed", type=int, default=1, help="of the moments to kill at (1)")
    parser.add_argument("--show", action="store_true", help="print what the commands print")
    parser.add_argument("--keep", type=pathlib.Path, help="work in this folder and leave it")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures to this file")
    options = parser.parse_args()
    for name, known, otherwise in (
        ("commands", COMMANDS, list(COMMANDS)),
        ("faults", FAULTS, list(FAULTS)),
        ("without", FAULTS, []),
    ):
        given = getattr(options, name)
        setattr(options, name, given.split(",") if given else otherwise)
        for one in getattr(options, name):
            if one not in known:
                parser.error(f"--{name}: there is no {one}; choose from {', '.join(known)}")
    options.faults = [kind for kind in options.faults if kind not in options.without]
    return options


def main():
    options = parse()
    with tempfile.TemporaryDirectory(prefix="bptplr_faults_") as temporary:
        folder = (options.keep or pathlib.Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(options.program.resolve(), options.library.resolve(), folder)
        if options.kills:
            rows, bad = kill(bench, options)
            for row in rows:
                print(f"{row['command']:<12}killed {row.get('killed', 0)}, ended before "
                      f"{row.get('ok', 0)}, lost {row.get('bad', 0)}")  # fmt: skip
        else:
            print(f"{'command':<12}{'fault':<18}{'calls':>8}" + "".join(f"{c:>9}" for c in COLUMNS))
            rows, bad = inject(bench, options)
    print_bad(bad)
    total = sum(value for row in rows for key, value in row.items() if key in (*COLUMNS, "killed"))
    print(f"\n{total} {'runs' if options.kills else 'faults'}, {len(bad)} bad")
    if options.json:
        text = json.dumps({"rows": rows, "bad": bad}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
