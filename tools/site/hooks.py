"""What MkDocs does to each page and to the finished site, so that files that are written for GitHub
become pages: links to sources become text, lists are indented as Markdown for Python wants them,
and a link that leads nowhere fails the build."""

import html.parser
import pathlib
import posixpath
import re
import urllib.parse

from mkdocs.exceptions import PluginError
from mkdocs.structure.nav import Link, Section

ROOT = pathlib.Path(__file__).resolve().parents[2]

FENCE = re.compile(r"\s*(```|~~~)")
ITEM = re.compile(r"([-*+]|\d+[.)])(\s+)(?=\S)")
#: Inline code, or a link with its text and its target.
CODE_OR_LINK = re.compile(
    r"(?P<code>`[^`\n]*`)|\[(?P<text>(?:[^][]|\[[^][]*\])*)\]\((?P<to>[^)\s]+)\)"
)
#: The page whose sections are in the menu, each as a link of its own.
GUIDES = "docs/data_sets.md"


def slug(text, separator):
    """Returns the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", separator)


def outside_fences(markdown):
    """Yields each line, and whether it is text, not code between fences."""
    fence = ""
    for line in markdown.split("\n"):
        match = FENCE.match(line)
        if match and not fence:
            fence = match[1]
            yield line, False
        elif match and fence == match[1]:
            fence = ""
            yield line, False
        else:
            yield line, not fence


# Lists --------------------------------------------------------------------------------------------


def indented(markdown):
    """Returns the text with what belongs to an item of a list indented by four columns a level, and
    a blank line before lists and tables: GitHub asks for less than Python's Markdown."""
    lines = []
    begins = []  # of each item that the line may belong to: the column where its text begins
    last = ""
    runs = False  # whether the last lines are an item that no blank line has divided
    for line, is_text in outside_fences(markdown):
        stripped = line.lstrip(" ")
        column = len(line) - len(stripped)
        item = ITEM.match(stripped) if is_text else None
        if is_text and (item or not last or stripped.startswith("#")):
            while stripped and begins and column < begins[-1]:
                begins.pop()
        begin = begins[-1] if begins else 0
        item = None if column - begin >= 4 else item
        starts_table = stripped.startswith("|") and not last.startswith("|")
        if is_text and last and ((item and not runs) or starts_table):
            lines.append("")
        lines.append("    " * len(begins) + line[min(begin, column) :] if stripped else line)
        if item:
            begins.append(column + item.end())
        runs = bool(stripped and begins and (item or runs))
        last = stripped
    return "\n".join(lines)


# Links --------------------------------------------------------------------------------------------


def linked(target, page, files):
    """Returns the target of a link as MkDocs understands it; None where it is a file of the project
    that is no page."""
    if re.match(r"[a-z]+:", target) or target.startswith("#"):
        return target
    name, mark, anchor = target.partition("#")
    place = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), name))
    if files.get_file_from_path(place):
        return target
    if files.get_file_from_path(posixpath.join(place, "README.md")):
        return posixpath.join(name, "README.md") + mark + anchor
    if (ROOT / place).exists():
        return None
    return target  # of which MkDocs warns


def with_links(line, page, files):
    """Returns the line with links to sources turned into code."""

    def replace(match):
        if match["code"]:
            return match[0]
        text = match["text"]
        inner = re.sub(r"\[([^][]*)\]\(([^)\s]+)\)", r"\1", text)  # a picture within a link
        target = linked(match["to"], page, files)
        if target is not None:
            return f"[{text}]({target})"
        return inner if "`" in inner or " " in inner else f"`{inner}`"

    return CODE_OR_LINK.sub(replace, line)


def on_page_markdown(markdown, page, files, **_):
    lines = [
        with_links(line, page, files) if is_text else line
        for line, is_text in outside_fences(markdown)
    ]
    return indented("\n".join(lines))


# Menu ---------------------------------------------------------------------------------------------


def on_nav(nav, files, **_):
    """Adds the sections of GUIDES to the menu, below its page."""
    page = files.get_file_from_path(GUIDES).page
    text = pathlib.Path(page.file.abs_src_path).read_text(encoding="utf-8")
    heads = [
        line[3:] for line, is_text in outside_fences(text) if is_text and line.startswith("## ")
    ]
    links = [Link(head, f"{page.file.url}#{slug(head, '-')}") for head in heads]
    menu: Section = page.parent
    for link in links:
        link.parent = menu
    at = menu.children.index(page) + 1
    menu.children[at:at] = links
    return nav


# The finished site --------------------------------------------------------------------------------


class Anchors(html.parser.HTMLParser):
    """What a page links to, and what of it can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids.update(value for value in (values.get("id"), values.get("name")) if value)
        self.links.update(value for value in (values.get("href"), values.get("src")) if value)


def broken(folder):
    """Yields (page, link) for each link of a finished site that leads nowhere within it."""
    pages = {path: Anchors(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    for path, page in sorted(pages.items()):
        if path.name == "404.html":  # its links begin at the root of the server
            continue
        for link in sorted(page.links):
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = path
            if parts.path:
                target = (path.parent / urllib.parse.unquote(parts.path)).resolve()
            if target.is_dir():
                target /= "index.html"
            anchor = urllib.parse.unquote(parts.fragment)
            known = pages.get(target)
            if not target.is_file() or (anchor and known and anchor not in known.ids):
                yield path.relative_to(folder), link


def on_post_build(config, **_):
    found = [
        f"{page}: no such target: {link}" for page, link in broken(pathlib.Path(config.site_dir))
    ]
    if found:
        raise PluginError("\n".join(["links of the finished site lead nowhere:", *found]))
