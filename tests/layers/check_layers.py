#!/usr/bin/env python3
"""Fails when an #include of ours points upward: every folder may include itself and the folders
that FOLDERS allows it, and no other. usage: check_layers.py [REPOSITORY]"""
import pathlib
import re
import sys

# Folder: the folders of ours that its sources may include. apps, python, tests and tools may use all.
FOLDERS = {
    "kernels": set(),
    "engine": {"kernels"},
    "models": {"engine"},
    "data": {"engine", "kernels"},
    "bpt_plr": {"models", "data", "engine", "kernels"},
    "apps": {"bpt_plr", "models", "data", "engine", "kernels"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
SOURCES = {".hpp", ".cpp", ".h", ".cu", ".cuh", ".in"}


def violations(root):
    everything = set(FOLDERS) | {"tests", "tools", "python"}
    for folder, allowed in FOLDERS.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in SOURCES or not path.is_file():
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                target = match.group(1).split("/")[0]
                where = f"{path.relative_to(root)}:{number}"
                if target not in everything:
                    yield f'{where}: "{match.group(1)}" is not named from the repository root'
                elif target != folder and target not in allowed:
                    yield f"{where}: {folder}/ must not include {target}/"


def main():
    default = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    found = list(violations(root))
    print("\n".join(found) if found else "layers: every include points downward")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
