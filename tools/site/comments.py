"""Lets the reference show what comments that begin with `#:` say of a field: mkdocstrings reads
docstrings only."""

import ast

import griffe

MARK = "#:"


def comment(lines, node):
    """Returns what the comments behind an assignment, or above it, say; "" where there are none."""
    last = lines[node.end_lineno - 1][node.end_col_offset :]
    if MARK in last:
        return last.split(MARK, 1)[1].strip()
    found, at = [], node.lineno - 2
    while at >= 0 and lines[at].strip().startswith(MARK):
        found.insert(0, lines[at].strip().removeprefix(MARK).strip())
        at -= 1
    return " ".join(found)


class CommentsOfFields(griffe.Extension):
    """Takes comments that begin with `#:` as docstrings of attributes that have none."""

    def on_attribute_instance(self, *, node, attr, **_):
        if attr.docstring or not isinstance(node, ast.Assign | ast.AnnAssign):
            return
        text = comment(attr.module.filepath.read_text(encoding="utf-8").split("\n"), node)
        if text:
            attr.docstring = griffe.Docstring(text[0].upper() + text[1:], parent=attr)
