#!/usr/bin/env python3
"""Installs a build into a prefix, moves that, builds examples/cpp/ against it and predicts an image
with both programs, which must say the same.
usage: install_example.py BUILD_FOLDER CMAKE"""

import csv
import pathlib
import struct
import subprocess
import sys
import tempfile

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/cpp"
SMALL_RUN = (
    "--dataset shapes --shapes_train 200 --shapes_test 100 --width 4 --blocks 1,1,1,1 "
    "--batch_size 32 --num_epochs 1 --method ce --out run"
).split()


def output(folder, *command):
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, text=True, stdout=-1, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def write_bmp(path, side=32):
    """Writes a red square."""
    pixels = bytes([0, 0, 255]) * (side * side)
    head = struct.pack("<2sIIIIiiHHIIiiII", b"BM", 54 + len(pixels), 0, 54, 40, side, side, 1, 24,
                       0, len(pixels), 2835, 2835, 0, 0)  # fmt: skip
    path.write_bytes(head + pixels)


def main():
    build, cmake = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        output(folder, cmake, "--install", build, "--prefix", folder / "first")
        prefix = (folder / "first").rename(folder / "moved")
        # Nothing that was installed for C++ may remember where it came from.
        for path in prefix.glob("**/*.cmake"):
            for place in (build, str(folder / "first")):
                if place in path.read_text():
                    sys.exit(f"{path} names {place}")
        source = ("-S", EXAMPLE, "-B", "built", "-G", "Ninja")  # there may be no make
        output(folder, cmake, *source, f"-DCMAKE_PREFIX_PATH={prefix}")
        output(folder, cmake, "--build", "built")

        program = prefix / "bin/bptplr"
        write_bmp(folder / "red.bmp")
        output(folder, program, "train", *SMALL_RUN)
        output(folder, program, "predict", "run", "red.bmp", "--out", "predicted.csv")
        with open(folder / "predicted.csv", newline="") as stream:
            (row,) = csv.DictReader(stream)
        said = output(folder, "built/predict", "run", "red.bmp")
        expected = f"red.bmp: {row['name']} ({float(row['probability']):.3f})\n"
        if said != expected:
            sys.exit(f"the example says {said!r}, the command {expected!r}")
        print(said, end="")


if __name__ == "__main__":
    main()
