#!/usr/bin/env python3
"""Prints registers, spills and shared memory of every kernel as a Markdown table.

usage: cmake --build --preset cuda --clean-first 2>&1 | tools/ptxas_table.py
The CUDA build prints what ptxas says; variants of a template are one row, with their range. The
table in docs/kernels.md is made so. Exit code 1 if a kernel spills.
"""

import collections
import re
import subprocess
import sys

HEAD = """| kernel | variants | registers | spilled bytes | static shared bytes |
|---|---|---|---|---|"""


def kernel_name(mangled):
    text = subprocess.run(["c++filt", mangled], capture_output=True, text=True, check=True).stdout
    if "thrust::" in text or "cub::" in text:
        return None
    text = re.sub(r"\(anonymous namespace\)::|_INTERNAL_\w+::|bptplr::kernels::", "", text)
    return re.search(r"([\w:]+?)(<|\()", text.replace("void ", "", 1)).group(1)


def main():
    rows = collections.defaultdict(list)
    name = spilled = None
    for line in sys.stdin:
        if found := re.search(r"Compiling entry function '(\w+)' for '(\w+)'", line):
            name, spilled = kernel_name(found[1]), 0
        elif found := re.search(r"(\d+) bytes spill stores", line):
            spilled = int(found[1])
        elif found := re.search(r"Used (\d+) registers", line):
            shared = re.search(r"(\d+) bytes smem", line)
            if name:
                rows[name].append((int(found[1]), spilled, int(shared[1]) if shared else 0))
    if not rows:
        sys.exit("ptxas_table: no report of ptxas on standard input; build with --clean-first")
    print(HEAD)

    def span(values):
        low, high = min(values), max(values)
        return str(low) if low == high else f"{low} to {high}"

    for kernel, variants in sorted(rows.items()):
        columns = [span(values) for values in zip(*variants)]
        print(f"| {kernel} | {len(variants)} | " + " | ".join(columns) + " |")
    if any(spilled for variants in rows.values() for _, spilled, _ in variants):
        sys.exit("ptxas_table: a kernel spills registers")


if __name__ == "__main__":
    main()
