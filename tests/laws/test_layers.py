"""The rooms of layers.toml: imports point down, and docs/architecture.md shows the same table."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "acl_bundle"
HOUSES: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "layers.toml").read_text(encoding="utf-8")
)
ROOMS = HOUSES["acl_bundle"]
INNER = [folder for folder in HOUSES if folder.startswith("acl_bundle/")]
RANK = {room: rank for rank, room in enumerate(ROOMS)}
FILES_HALF = {room for room in ROOMS if RANK[room] < RANK["_binding"]} - {"_acl"}
RUNTIME_HALF = {room for room in ROOMS if RANK["_binding"] <= RANK[room] < RANK["fake"]}


def modules() -> list[Path]:
    """Every module but the package's own, which names all of them and runs nothing."""
    return sorted({*PACKAGE.rglob("*.py")} - {PACKAGE / "__init__.py"})


def room_of(path: Path) -> str:
    """The room a file lies in: its first name below acl_bundle."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """The rooms that a file imports, inside functions as well; "" is the package itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (_room(alias.name) for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: line {node.lineno} imports relatively"
            if node.module == "acl_bundle":
                yield from (alias.name for alias in node.names)
            elif node.module and _is_ours(node.module):
                yield _room(node.module)


def _is_ours(name: str) -> bool:
    return name == "acl_bundle" or name.startswith("acl_bundle.")


def _room(name: str) -> str:
    return name.partition(".")[2].partition(".")[0]


def test_python_imports_point_down() -> None:
    for path in modules():
        own = room_of(path)
        for room in {*imports(path)} - {own}:
            if room == "":  # `import acl_bundle`: the public names, for the rooms above them all
                assert RANK[own] > RANK["pair"], f"{path} imports the whole package"
                continue
            assert room in RANK, f"{path} imports {room}, which has no line in layers.toml"
            assert RANK[room] < RANK[own], f"{path} imports {room}, which is not below {own}"


def test_the_table_lists_every_python_room_and_no_other() -> None:
    assert {room_of(path) for path in modules()} | {"_acl"} == {*RANK}


def _modules_named(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, with what it takes from a package."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", INNER)
def test_imports_point_down_within_a_room(folder: str) -> None:
    rank = {room: at for at, room in enumerate(HOUSES[folder])}
    package = folder.replace("/", ".")
    paths = {*(ROOT / folder).rglob("*.py")} - {ROOT / folder / "__init__.py"}
    assert {p.relative_to(ROOT / folder).parts[0].removesuffix(".py") for p in paths} == {*rank}
    for path in paths:
        own = path.relative_to(ROOT / folder).parts[0].removesuffix(".py")
        for name in _modules_named(path):
            if name.startswith(f"{package}."):
                room = name.removeprefix(f"{package}.").partition(".")[0]
                assert room in rank, f"{path} imports {name} by the package's face"
                assert rank[room] <= rank[own], f"{path} imports {name}, which is not below {own}"


def test_what_each_half_of_python_may_know() -> None:
    for path in modules():
        own, known = room_of(path), {*imports(path)}
        if own in FILES_HALF:
            assert not RUNTIME_HALF & known, f"{path} needs a library"
        if own in RUNTIME_HALF:
            assert "fake" not in path.read_text(encoding="utf-8").lower(), f"{path} names the fake"
        if "_acl" in known:
            assert own in {"_binding", "om"}, f"{path} imports the compiled module"


def test_the_page_shows_the_table() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = "".join(f"| `{room}` | {keeps} |\n" for room, keeps in reversed(ROOMS.items()))
    assert f"| room | keeps |\n|---|---|\n{rows}\n" in page, rows


@pytest.mark.parametrize("folder", INNER)
def test_the_page_shows_the_rooms_of_a_room(folder: str) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = "".join(f"| `{room}` | {keeps} |\n" for room, keeps in reversed(HOUSES[folder].items()))
    assert f"| in `{folder.removeprefix('acl_bundle/')}` | keeps |\n|---|---|\n{rows}\n" in page, (
        rows
    )
