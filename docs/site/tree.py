"""Makes the folder that `make docs` builds the site from: the pages as they lie in the project.

    python docs/site/tree.py build/manual

Links between pages stay as they are written, because the pages keep their places. A file that a
page links to and that is no page, such as an example, becomes a page that shows it. The pages
of the reference are made of the public names.
"""

from __future__ import annotations

import re
import shutil
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (".", "docs", "docs/facts", "docs/guides", "examples", "deploy")
PICTURES = "docs/pictures"
LINK = re.compile(r"(\]\()((?!https?:)[^)#]+)((?:#[^)]+)?\))")
LANGUAGES = {".py": "python", ".h": "c", ".c": "c", ".yaml": "yaml", ".toml": "toml"}

API = {
    "acl_bundle": "load, infer, update",
    "acl_bundle.build": "make bundles",
    "acl_bundle.cli": "the command",
    "acl_bundle.compare": "two answers side by side",
    "acl_bundle.compat": "other packages' sessions",
    "acl_bundle.fake": "the fake's controls",
    "acl_bundle.fleet": "many replicas",
    "acl_bundle.follow": "versions from a trainer",
    "acl_bundle.om": "files",
    "acl_bundle.pyacl": "a module shaped as pyACL",
    "acl_bundle.server": "over HTTP and gRPC",
    "acl_bundle.testing": "pytest's fixtures",
    "acl_bundle.weights": "weights of other frameworks",
}
"""The packages of the reference: each public name of each has an entry."""


def pages() -> list[str]:
    """Every page of the project, by its path."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).glob("*.md")
    )


def reference(module: str) -> str:
    """The page of one package: its text, then each public name."""
    names = import_module(module).__all__
    entries = [f"::: {module}\n    options:\n      members: false\n      heading_level: 1\n"]
    entries += [f"::: {module}.{name}\n" for name in names]
    return "\n".join(entries)


def overview() -> str:
    """The first page of the reference."""
    rows = [f"| [`{name}`]({name}.md) | {what} |" for name, what in API.items()]
    return "\n".join([
        "# Reference", "", "Every public name, with what it takes, gives and raises.", "",
        "| | |", "|---|---|", *rows, "",
    ])  # fmt: skip


def shown(path: Path) -> str:
    """A page that shows a file."""
    text = path.read_text(encoding="utf-8")
    fence = f"```{LANGUAGES.get(path.suffix, 'text')}\n{text.rstrip()}\n```"
    return f"# {path.relative_to(ROOT).as_posix()}\n\n{fence}\n"


class Tree:
    """The folder that the site is built from."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def make(self) -> None:
        """Write all of it anew."""
        shutil.rmtree(self._place, ignore_errors=True)
        for page in pages():
            text = (ROOT / page).read_text(encoding="utf-8")
            self._write(page, LINK.sub(lambda link, page=page: self._link(page, link), text))
        for module in API:
            self._write(f"docs/api/{module}.md", reference(module))
        self._write("docs/api/index.md", overview())
        if (ROOT / PICTURES).exists():
            shutil.copytree(ROOT / PICTURES, self._place / PICTURES)

    def _link(self, page: str, link: re.Match[str]) -> str:
        """A link as the site has it, where its target is no page and no picture."""
        opening, name, closing = link.groups()
        target = (ROOT / page).parent / name
        if target.suffix in (".md", ".svg", ".png") or not target.is_file():
            return link[0]
        made = target.resolve().relative_to(ROOT).as_posix() + ".md"
        self._write(made, shown(target.resolve()))
        return f"{opening}{name}.md{closing}"

    def _write(self, name: str, text: str) -> None:
        path = self._place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    Tree(Path(sys.argv[1])).make()
