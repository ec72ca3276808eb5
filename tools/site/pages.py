#!/usr/bin/env python3
"""Lays out the pages of the site: copies of the project's Markdown files with the same tree, beside
them the pages that are made from the sources. Fails where a public name has no place in the
reference. usage: pages.py FOLDER      (made anew)"""

import ast
import json
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from check_links import FENCED, INLINE, LINK  # noqa: E402  (its folder is no package)

PICTURES = {".png", ".svg", ".jpg"}
RECIPES = ROOT / "bpt_plr/recipe"

#: The public names of the package by what they are for. Those of COMPILED have no Python source.
REFERENCE = {
    "Train and use runs": ["train", "Run", "load_run", "BptplrWarning"],
    "Compare methods, clean data sets": ["compare", "Comparison", "clean", "Cleaning"],
    "scikit-learn's interface": ["NoisyLabelClassifier"],
    "Judge labels and data": [
        "audit_labels",
        "audit_run",
        "Audit",
        "find_data_issues",
        "DataIssues",
    ],
    "Networks of finished runs": [
        "load_model",
        "Model",
        "Prediction",
        "Outputs",
        "torch_model",
        "export_onnx",
    ],
    "Mixture, partition, pseudo labels": [
        "gmm_fit",
        "GmmFit",
        "balanced_partition",
        "Partition",
        "jensen_shannon_distance",
        "Selection",
        "Division",
        "PseudoLabels",
    ],
    "Contrastive loss": ["plr_loss", "plr_loss_and_gradient", "class_sets"],
    "Views, label noise, built-in images": [
        "autoaugment",
        "symmetric_noise",
        "asymmetric_noise_cifar10",
        "asymmetric_noise_cifar100",
        "instance_noise",
        "make_shapes",
        "Dataset",
    ],
    "Threads and determinism": [
        "set_num_threads",
        "get_num_threads",
        "set_deterministic",
        "get_deterministic",
    ],
}
COMPILED = {"Error"}


def targets(page):
    """Yields the existing files that the relative links of a Markdown file point to; of a folder,
    its README."""
    visible = INLINE.sub("", FENCED.sub("", page.read_text(encoding="utf-8")))
    for match in LINK.finditer(visible):
        name = match[1].partition("#")[0]
        target = (page.parent / name).resolve()
        if target.is_dir():
            target /= "README.md"
        if name and target.is_file() and target.is_relative_to(ROOT):
            yield target


def reached(start):
    """Returns the Markdown files and pictures that links lead to from the file `start`, with it."""
    found, waiting = {start}, [start]
    while waiting:
        for target in targets(waiting.pop()):
            if target not in found and target.suffix in PICTURES | {".md"}:
                found.add(target)
                if target.suffix == ".md":
                    waiting.append(target)
    return found


def public_names():
    """Returns the names that the package exports."""
    tree = ast.parse((ROOT / "python/bptplr/__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    raise SystemExit("site: python/bptplr/__init__.py has no __all__")


def reference():
    """Returns the page of the Python package's public names, which mkdocstrings fills."""
    listed = [name for names in REFERENCE.values() for name in names]
    wrong = set(listed).symmetric_difference(public_names() - COMPILED)
    if wrong:
        names = ", ".join(sorted(wrong))
        raise SystemExit(f"site: REFERENCE in tools/site/pages.py and __all__ differ: {names}")
    lines = [
        "# Reference of the Python package",
        "Made from the docstrings of the public names. [Python](README.md) shows them in use. What",
        "the library cannot do is a `bptplr.Error`: one sentence that says what was wrong and what",
        "to do.",
        "",
    ]
    for title, names in REFERENCE.items():
        lines += [f"## {title}", ""]
        lines += [f"::: bptplr.{name}\n" for name in names]
    return "\n".join(lines)


def shown(value):
    """Returns the value of a field as the command line takes it."""
    if value == "":
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`"


def table(fields):
    """Returns the lines of a table of fields and values."""
    rows = [f"| `{name}` | {shown(value)} |" for name, value in fields.items()]
    return ["| field | value |", "|---|---|", *rows, ""] if rows else []


def section(file, flag):
    """Returns the lines about a recipe or a method."""
    fields = json.loads(file.read_text(encoding="utf-8"))
    about, presets = fields.pop("about"), fields.pop("presets", {})
    lines = [f"### {file.stem}", f"`bptplr train --{flag} {file.stem}`: {about}.", ""]
    lines += table(fields) or ["Its fields are the defaults.", ""]
    for name, values in presets.items():
        if values:
            lines += [f"With `--preset {name}`:", "", *table(values)]
    return lines


def recipes():
    """Returns the page of the built-in recipes and methods."""
    lines = [
        "# Recipes and methods",
        "Made from the files in `bpt_plr/recipe/`. A field that is not listed has its default, which",
        "`bptplr train --help` prints with its meaning. Every field is a flag, too; a flag beats the",
        "recipe, the recipe the preset, the preset the method, the method the defaults",
        "([Running the program](docs/running.md)). `bptplr train --recipe FILE` takes a file of yours",
        "in the same form.",
        "",
    ]
    for title, folder, flag in (("Recipes", "recipes", "recipe"), ("Methods", "methods", "method")):
        files = sorted((RECIPES / folder).glob("*.json"))
        if not files:
            raise SystemExit(f"site: no files in {RECIPES / folder}")
        lines += [f"## {title}", "", f"| {flag} | about |", "|---|---|"]
        for file in files:
            about = json.loads(file.read_text(encoding="utf-8"))["about"]
            lines.append(f"| [{file.stem}](#{file.stem}) | {about} |")
        lines.append("")
        for file in files:
            lines += section(file, flag)
    return "\n".join(lines)


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: pages.py FOLDER")
    folder = pathlib.Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    copied = reached(ROOT / "README.md")
    for file in copied:
        copy = folder / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    shutil.copyfile(ROOT / "tools/site/site.css", folder / "site.css")
    for name, text in {"python/reference.md": reference(), "recipes.md": recipes()}.items():
        (folder / name).write_text(text, encoding="utf-8")
    pages = sum(file.suffix == ".md" for file in copied)
    print(f"site: {pages} Markdown files of the project, 2 pages made from the sources")


if __name__ == "__main__":
    main()
