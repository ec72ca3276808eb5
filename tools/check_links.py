#!/usr/bin/env python3
"""Fails when a relative link or picture in a Markdown file points to a file, folder or heading that
does not exist. usage: check_links.py [REPOSITORY]"""

import pathlib
import re
import sys

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
GENERATED = {"build", "runs"}


def markdown_files(root):
    """Yields the Markdown files of the repository, without hidden and generated folders."""
    for path in sorted(root.rglob("*.md")):
        folders = path.relative_to(root).parts[:-1]
        if not any(part.startswith(".") or part in GENERATED for part in folders):
            yield path


def anchors(text):
    """Returns the anchors that GitHub gives to the headings of a text."""
    headings = HEADING.findall(FENCED.sub("", text))
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in headings}


def broken_links(path):
    """Yields (line number, link) for each relative link without a target."""
    text = path.read_text(encoding="utf-8")
    visible = INLINE.sub("", FENCED.sub(lambda match: "\n" * match[0].count("\n"), text))
    for match in LINK.finditer(visible):
        link = match[1]
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        found = target.exists()
        if found and anchor:
            found = target.is_file() and anchor in anchors(target.read_text(encoding="utf-8"))
        if not found:
            yield visible.count("\n", 0, match.start()) + 1, link


def main():
    root = pathlib.Path(sys.argv[1] if sys.argv[1:] else pathlib.Path(__file__).parents[1])
    found = [
        f"{path.relative_to(root)}:{line}: no such target: {link}"
        for path in markdown_files(root)
        for line, link in broken_links(path)
    ]
    print("\n".join(found) or "links: every relative link has a target")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
