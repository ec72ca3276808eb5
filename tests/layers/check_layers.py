#!/usr/bin/env python3
"""Fails when an #include of ours points upward. LAYERS holds the order; tools/tree_stats.py shares it.
usage: check_layers.py [REPOSITORY]"""

import pathlib
import re
import sys

CPP = {".hpp", ".cpp", ".h", ".cu", ".cuh", ".in"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')

# Folder: those that it may include besides itself. A sub-folder without a row belongs to the folder
# around it, and a folder that neither has a row nor lies in one that does is an error.
LAYERS = {}


def chain(may_use, *folders):
    """Adds folders of which each may use `may_use` and those named before it. Returns all of them."""
    may_use = set(may_use)
    for folder in folders:
        LAYERS[folder] = set(may_use)
        may_use.add(folder)
    return may_use


# The headers in kernels/ are the contracts. What implements them is private: no row of another layer
# names it.
KERNELS = chain([], "kernels")
chain(KERNELS, "kernels/cpu")
cuda = chain(KERNELS, "kernels/cuda/runtime", "kernels/cuda/device", "kernels/cuda/libraries")
chain(cuda | {"kernels/cpu"}, "kernels/cuda")
PRIVATE = set(LAYERS) - KERNELS

# engine/profile is one layer with engine: operations open ranges, and the timer of ranges and the
# measurement of peaks use tensors.
chain(KERNELS | {"engine", "engine/io"}, "engine/communicator")
ENGINE = chain(KERNELS, "engine", "engine/io", "engine/io/torch") | {"engine/communicator"}
MODELS = chain(ENGINE - KERNELS, "models")
chain(ENGINE | {"data"}, "data/noise")
DATA = chain(ENGINE, "data", "data/images") | {"data/noise"}
DATA = chain(DATA, "data/sets")
METHOD = chain(
    MODELS | DATA,
    "bpt_plr/recipe",
    "bpt_plr/method",
    "bpt_plr/train",
    "bpt_plr/run",
    "bpt_plr/results/audit",
    "bpt_plr/results/judges",
    "bpt_plr/results/issues",
    "bpt_plr/results/report",
    "bpt_plr/results/correct",
    "bpt_plr/results/features",
    "bpt_plr/results/compare",
    "bpt_plr/results/export",
    "bpt_plr/results/clean",
)
chain(METHOD, "apps/terminal", "apps")
chain(METHOD, "python")

# These may include everything, kernels/cpu/ and kernels/cuda/ too, and nothing else includes them.
FREE = {"tests", "tools"}


def layer_of(folder):
    """Returns the row of LAYERS that a folder (a relative PurePath) belongs to, or None."""
    for path in [folder, *folder.parents]:
        if path.as_posix() in LAYERS:
            return path.as_posix()
    return None


def top_of(layer):
    return layer.split("/")[0]


def rule_of(layer, target):
    """Returns the rule that an include of `target` in `layer` breaks, as a clause."""
    if target in PRIVATE and top_of(layer) != "kernels":
        return f"{target}/ is private to kernels/: include a header of kernels/ itself"
    allowed = LAYERS[layer]
    siblings = [row for row in LAYERS if row in allowed and top_of(row) == top_of(layer)]
    if target in LAYERS and top_of(target) == top_of(layer):
        return f"of {top_of(layer)}/ it may use {', '.join(siblings) or 'nothing'}"
    tops = sorted({top_of(row) for row in allowed} - {top_of(layer)})
    return f"it may use {', '.join(tops) or 'no other layer'}"


def sources(root):
    """Yields the C++ sources below LAYERS, in order."""
    for top in dict.fromkeys(top_of(layer) for layer in LAYERS):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in CPP and path.is_file():
                yield path


def includes(root, path):
    """Yields line number and path of each include of ours, and of each that is not named from the
    root of the repository."""
    ours = {top_of(layer) for layer in LAYERS} | FREE
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match and (match[1] == '"' or match[2].split("/")[0] in ours):
            yield number, match[2]


def check_include(layer, included):
    """Returns what is wrong with an include in a source of `layer`; empty where nothing is."""
    top = included.split("/")[0]
    if top in FREE:
        return f"{layer}/ must not include {top}/ ({top}/ is above all layers)"
    if not any(top == top_of(row) for row in LAYERS):
        return f'"{included}" is not named from the repository root'
    target = layer_of(pathlib.PurePosixPath(included).parent)
    if target is None:
        return (
            f'"{included}" lies in no layer; give its folder a row in tests/layers/check_layers.py'
        )
    if target == layer or target in LAYERS[layer]:
        return ""
    return f"{layer}/ must not include {target}/ ({rule_of(layer, target)})"


def violations(root):
    """Yields (folder, sentence) for each include that breaks a rule. The sentence names file, line
    and rule."""
    for path in sources(root):
        relative = path.relative_to(root)
        folder = relative.parent.as_posix()
        layer = layer_of(relative.parent)
        if layer is None:
            yield folder, f"{relative}:1: {folder}/ is no layer; give it a row in LAYERS"
            continue
        for number, included in includes(root, path):
            wrong = check_include(layer, included)
            if wrong:
                yield folder, f"{relative}:{number}: {wrong}"


def main():
    default = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    found = [sentence for _, sentence in violations(root)]
    print("\n".join(found) if found else "layers: every include points downward")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
