#!/usr/bin/env python3
"""Prints how the sources are built up: a line a folder, then the counts that must be 0.
usage: tree_stats.py [REPOSITORY]      exit code 1 if one of them is not

Of every folder: source files, lines, includes of other folders of ours, those that point upward by
the rules of tests/layers/check_layers.py, and its longest function."""

import ast
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/layers"))
import check_layers  # noqa: E402  (its folder is no package)

MOST_FILES = 40
TOPS = sorted({check_layers.top_of(layer) for layer in check_layers.LAYERS} | check_layers.FREE)
ABOVE_KERNELS = ("engine", "models", "data", "bpt_plr", "apps", "python")
WITH_RECIPES = ("bpt_plr", "apps", "models", "data", "python/src", "tools/bench")


# C++ text -----------------------------------------------------------------------------------------

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*(?:\\\n[^\n]*)*|/\*.*?\*/)
      | (?P<raw>R"(?P<delimiter>[^\s()\\]*)\(.*?\)(?P=delimiter)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<number>\b\d(?:'?[\w.])*)
      | (?P<character>'(?:\\.|[^'\\\n])*')""",
    re.VERBOSE | re.DOTALL,
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)


def without(text, *kinds):
    """Returns the text with comments, strings and so on replaced by blanks, line for line."""

    def blank(match):
        if match.lastgroup not in kinds and match.lastgroup != "delimiter":
            return match[0]
        if match.lastgroup == "delimiter" and "raw" not in kinds:
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])

    return TOKEN.sub(blank, text)


def matching(text, opening):
    """Returns where the bracket that opens at `opening` closes, or the end of the text."""
    depth = 0
    for match in re.compile(r"[(){}\[\]]").finditer(text, opening):
        depth += 1 if match[0] in "({[" else -1
        if depth == 0:
            return match.start()
    return len(text)


def without_template(head):
    """Removes `template <...>` and what a requires-clause in brackets says from the head."""
    while True:
        match = re.match(r"\s*(?:template\s*<|requires\s*\()", head)
        if not match:
            return head
        depth = 0
        for at in range(match.end() - 1, len(head)):
            depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(head[at], 0)
            if depth == 0:
                break
        head = head[at + 1 :]


NO_NAME = {"__launch_bounds__", "alignas", "decltype", "noexcept", "requires", "__attribute__"}
CALL = re.compile(r"(operator\s*(?:\(\s*\)|\[\s*\]|[^\s\w(]+|[\w:<>*& ]+?)|~?\w+)\s*\(")


def function_name(head):
    """Returns the name of the function whose body follows the head; None where it is no function,
    but a variable with its value."""
    head = without_template(head)
    at = 0
    angle = 0
    while at < len(head):
        match = CALL.match(head, at)
        if match and angle == 0:
            if match[1] not in NO_NAME:
                scope = re.search(r"(?:\w+(?:<[^()]*>)?::)*$", head[: match.start()])[0]
                close = matching(head, match.end() - 1)
                is_test = re.fullmatch(r"(TYPED_)?TEST(_[FP])?", match[1])
                arguments = head[match.end() - 1 : close + 1] if is_test else ""
                return scope + match[1] + re.sub(r"\s+", " ", arguments)
            at = matching(head, match.end() - 1) + 1
            continue
        word = re.compile(r"\w+").match(head, at)
        if word:
            at = word.end()
            continue
        if head[at] == "=" and angle == 0:
            return None
        if head[at] == "<":
            angle += 1
        elif head[at] == ">" and angle > 0:
            angle -= 1
        elif head[at] == "[":
            at = matching(head, at)
        at += 1
    return None


SCOPE = re.compile(
    r"(?:(?:inline|static|typedef|constexpr|const|export)\s+)*"
    r"(namespace|class|struct|union|enum|extern)\b"
)
# A brace after an initialiser of a constructor is a value: `: a_{1}, b_(2) {`.
MEMBER_VALUE = re.compile(r"\)[^()]*?(?<!:):(?!:)(?:.*[,:])?\s*[\w:]+(?:<[^{}]*>)?\s*$", re.DOTALL)


def cpp_functions(text):
    """Yields name and number of lines of every function, those of classes too, lambdas not."""
    text = DIRECTIVE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    text = without(text, "comment", "string", "raw", "character")
    start = at = 0
    while at < len(text):
        match = re.compile(r"[;{}(\[]").search(text, at)
        if not match:
            return
        at = match.start()
        if match[0] in "([":
            at = matching(text, at) + 1
        elif match[0] in ";}":
            start = at = at + 1
        else:
            head = re.sub(r"^\s*(?:(?:public|private|protected)\s*:\s*)+", "", text[start:at])
            plain = without_template(head).lstrip()
            if SCOPE.match(plain) and not re.search(r"\)\s*(?:const)?\s*$", plain):
                start = at = at + 1
                continue
            close = matching(text, at)
            if MEMBER_VALUE.search(head):
                at = close + 1
                continue
            name = function_name(head)
            if name:
                begin = at - len(head.lstrip())
                yield name, text.count("\n", begin, close) + 1
                start = close + 1
            at = close + 1


def python_functions(text):
    """Yields name and number of lines of every function."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.end_lineno - node.lineno + 1


# What a folder holds ------------------------------------------------------------------------------


class Folder:
    """What the table says of one folder, without the folders in it."""

    def __init__(self):
        self.files = self.lines = self.arrows = self.upward = 0
        self.longest = ("", 0)

    def add(self, root, path, upward):
        text = path.read_text(encoding="utf-8")
        self.files += 1
        self.lines += text.count("\n")
        self.upward += upward
        if path.suffix in check_layers.CPP:
            here = path.relative_to(root).parent.as_posix()
            for _, included in check_layers.includes(root, path):
                self.arrows += pathlib.PurePosixPath(included).parent.as_posix() != here
            functions = cpp_functions(text)
        else:
            functions = python_functions(text) if path.suffix == ".py" else []
        for name, lines in functions:
            if lines > self.longest[1]:
                self.longest = (name, lines)


def source_files(root, *tops, suffixes=frozenset()):
    for top in tops:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (suffixes or check_layers.CPP | {".py", ".sh"}) and path.is_file():
                yield path


def read_folders(root):
    upward = {}
    for folder, _ in check_layers.violations(root):
        upward[folder] = upward.get(folder, 0) + 1
    folders = {}
    for path in source_files(root, *TOPS):
        name = path.relative_to(root).parent.as_posix()
        folder = folders.setdefault(name, Folder())
        folder.add(root, path, upward.pop(name, 0))
    return folders


# What must be 0 -----------------------------------------------------------------------------------


def recipe_fields(root):
    """Returns the names of the fields of Recipe that hold a choice or a text."""
    text = (root / "bpt_plr/recipe/recipe.hpp").read_text(encoding="utf-8")
    opening = re.search(r"\bstruct Recipe \{", text).end() - 1
    body = without(text[opening : matching(text, opening)], "comment", "string")
    members = re.findall(r"^\s*([\w:]+) (\w+)(?: = [^;]*| *\{[^;]*\})?;", body, re.MULTILINE)
    fields = [name for kind, name in members if kind not in ("bool", "double", "std::int64_t")]
    if len(fields) < 20:
        raise SystemExit("tree_stats: struct Recipe is not where or what this script reads")
    return fields


def places(root, pattern, *tops, skip=r"(?!)"):
    """Yields FILE:LINE: TEXT of each match in the code, strings included, comments not."""
    for path in source_files(root, *tops, suffixes=check_layers.CPP):
        name = path.relative_to(root).as_posix()
        if re.search(skip, name):
            continue
        text = path.read_text(encoding="utf-8")
        for match in pattern.finditer(without(text, "comment")):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: {' '.join(match[0].split())}"


def counts(root, folders):
    """Yields what must not be there and where it is."""
    yield "upward includes", [sentence for _, sentence in check_layers.violations(root)]
    # `recipe.arch == "x"`, also with the literal first, by way of JSON or of the name of a value.
    field = rf"\b(?:{'|'.join(recipe_fields(root))})\b"
    operand = rf'(?:{field}|(?:\[|at\()"{field}"[\])]|\bname_of\([^()]*\))(?:\(\))?'
    literal = r'(?:std::string(?:_view)?[({])?"[^"\n]*"[)}]?'
    compared = rf"{operand}\s*[=!]=\s*{literal}|{literal}\s*[=!]=\s*(?:[\w.:]|->|\(\))*{operand}"
    yield (
        "comparisons of a recipe's choice with a string",
        list(places(root, re.compile(compared), *WITH_RECIPES)),
    )
    device = r"if constexpr\s*\([^;{]*\b\w*(?:OnGpu|OnCpu|CudaContext|CpuContext|[dD]evice)\w*"
    yield (
        "`if constexpr` on the device above kernels/",
        list(places(root, re.compile(device), *ABOVE_KERNELS)),
    )
    yield (
        "`.data<T>() +` in bpt_plr outside ops",
        list(
            places(
                root,
                re.compile(r"\.data<[^<>]*>\(\)\s*\+(?!=)"),
                "bpt_plr",
                skip=r"/ops[._/]|_ops\.",
            )
        ),
    )
    yield (
        f"folders with more than {MOST_FILES} source files",
        [f"{name}: {f.files} files" for name, f in folders.items() if f.files > MOST_FILES],
    )


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE.parent
    folders = read_folders(root)
    print(f"{'folder':30} {'files':>5} {'lines':>6} {'arrows':>6} {'upward':>6}  longest function")
    for name, f in sorted(folders.items()):
        longest = f"{f.longest[0]} ({f.longest[1]})" if f.longest[1] else ""
        print(f"{name:30} {f.files:5} {f.lines:6} {f.arrows:6} {f.upward:6}  {longest}")
    total = [sum(getattr(f, key) for f in folders.values()) for key in ("files", "lines", "arrows")]
    print(f"{'total':30} {total[0]:5} {total[1]:6} {total[2]:6}\n\nmust be 0:")
    failed = False
    for what, found in counts(root, folders):
        print(f"{len(found):5}  {what}")
        for place in found:
            print(f"         {place}")
        failed |= bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
