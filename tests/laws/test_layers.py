"""Imports point down: each layer knows those below it and no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import acl_bundle

PACKAGE = Path(acl_bundle.__file__).parent

# From the ground up. A module may import what stands in an earlier row, and its
# own package.
LAYERS = (
    ("_acl", "_codes", "_files", "_json", "_wrappers", "dtypes"),
    ("_atomic", "errors"),
    ("_extra", "_owner", "spec", "om"),
    ("_arrays", "weight_program"),
    ("_aliases", "_exported", "_given"),
    ("_api", "_config", "_pieces", "_source", "build"),
    ("_digest", "_cast"),
    ("_value", "_wait", "device", "memory", "weights"),
    ("_variables",),
    ("_engine", "_lanes", "_plan", "_run", "_stream"),
    ("_derive", "_flight", "_planner", "_shaped", "_timed"),
    ("_dynamic", "_gears", "_lane"),
    ("_describe", "_jobs"),
    ("_serving",),
    ("_submits",),
    ("graph",),
    ("_saved", "_transfer", "reports"),
    ("_commit", "_stage", "inference"),
    ("_writer",),
    ("_snapshot", "init", "update"),
    ("_load", "_roles"),
    ("bundle",),
    ("_active", "_options"),
    ("pair",),
    ("follow",),
    ("fake",),
    ("testing",),
    ("bench", "demo"),
    ("cli",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
FILES_HALF = {"om", "build", "weights", "weight_program"}
RUNTIME_HALF = {name for row in LAYERS[RANK["_api"] : RANK["fake"]] for name in row} - FILES_HALF


def modules() -> list[Path]:
    """Every module but the package's own, which names all of them and runs nothing."""
    return sorted({*PACKAGE.rglob("*.py")} - {PACKAGE / "__init__.py"})


def top(path: Path) -> str:
    """The part of the package a file belongs to: its first name below acl_bundle."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """The parts of the package that a file imports, inside functions as well."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (_part(alias.name) for alias in node.names if _ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: line {node.lineno} imports relatively"
            if node.module == "acl_bundle":
                yield from (alias.name for alias in node.names)
            elif node.module and _ours(node.module):
                yield _part(node.module)


def _ours(name: str) -> bool:
    return name == "acl_bundle" or name.startswith("acl_bundle.")


def _part(name: str) -> str:
    return name.partition(".")[2].partition(".")[0]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    own = top(path)
    for part in {*imports(path)} - {own}:
        if part == "":
            continue  # `import acl_bundle`: the public names, for the layers above them all
        assert part in RANK, f"{part} has no place in the table"
        assert RANK[part] < RANK[own], f"{own} imports {part}, which is not below it"


def test_the_table_lists_every_module_and_no_other() -> None:
    assert {top(path) for path in modules()} | {"_acl"} == set(RANK)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_layers_above_bundle_import_the_whole_package(path: Path) -> None:
    if "" in {*imports(path)}:
        assert RANK[top(path)] > RANK["pair"]


def test_the_files_half_works_without_the_runtime_half() -> None:
    for path in modules():
        if top(path) in FILES_HALF:
            assert not RUNTIME_HALF & {*imports(path)}, path


def test_the_runtime_half_never_mentions_the_fake() -> None:
    for path in modules():
        if top(path) in RUNTIME_HALF:
            assert "fake" not in path.read_text(encoding="utf-8").lower(), path


def test_only_the_door_and_the_wire_format_import_the_compiled_module() -> None:
    importers = {top(path) for path in modules() if "_acl" in {*imports(path)}}
    assert importers == {"_api", "om"}
