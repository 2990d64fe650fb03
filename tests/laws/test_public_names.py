"""What is public: listed, sorted, fetched lazily, and documented."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import acl_bundle

PACKAGE = Path(acl_bundle.__file__).parent
PUBLIC = (
    "acl_bundle",
    "acl_bundle.build",
    "acl_bundle.cli",
    "acl_bundle.compare",
    "acl_bundle.compat",
    "acl_bundle.fake",
    "acl_bundle.follow",
    "acl_bundle.om",
    "acl_bundle.pyacl",
    "acl_bundle.server",
    "acl_bundle.weights",
)


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_sorted_and_every_name_is_there(name: str) -> None:
    module = import_module(name)
    assert module.__all__ == sorted(module.__all__)
    assert all(hasattr(module, public) for public in module.__all__)


def test_all_lists_every_name_that_the_package_declares() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    declared = {
        alias.asname or alias.name
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    shown = {name for name in declared if not name.startswith("_")} | {"follow"}
    assert shown == {*acl_bundle.__all__, *acl_bundle._PACKAGES}
    assert set(acl_bundle.__all__) <= set(dir(acl_bundle))


def test_every_lazy_name_is_the_object_its_module_has() -> None:
    for name in acl_bundle.__all__:
        module = import_module(f"acl_bundle.{acl_bundle._HOME.get(name, 'errors')}")
        assert getattr(acl_bundle, name) is getattr(module, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Bundel'"):
        acl_bundle.Bundel  # noqa: B018


def _is_shown(part: ast.FunctionDef) -> bool:
    """Whether a function or a method is public; overloads are told of where their body is."""
    overloads = [ast.unparse(one) for one in part.decorator_list] == ["overload"]
    return not part.name.startswith("_") and not overloads


def _documented(path: Path) -> Iterator[tuple[str, bool]]:
    """Each public class, function and method of a file, and whether it says what it does.

    A method that overrides one with a docstring inherits it, as `inspect.getdoc` does.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield "module", ast.get_docstring(tree) is not None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and _is_shown(node):
            yield node.name, ast.get_docstring(node) is not None
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, ast.get_docstring(node) is not None
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and _is_shown(part):
                    yield f"{node.name}.{part.name}", ast.get_docstring(part) is not None


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_everything_public_has_a_docstring(path: Path) -> None:
    assert [name for name, has in _documented(path) if not has] == []


@pytest.mark.parametrize("name", acl_bundle.__all__)
def test_a_public_function_names_its_errors(name: str) -> None:
    value = getattr(acl_bundle, name)
    if inspect.isfunction(value):
        assert "Raises:" in (inspect.getdoc(value) or "")


QUIET = """
import sys
import acl_bundle
loaded = set(sys.modules)
maps = open("/proc/self/maps").read()
assert not {"onnx", "typer", "rich", "numpy", "ml_dtypes"} & loaded, sorted(loaded)
assert not [m for m in loaded if m.startswith("acl_bundle.")], sorted(loaded)
acl_bundle.Bundle, acl_bundle.Device, acl_bundle.AclError
loaded = set(sys.modules)
assert not {"onnx", "onnxruntime", "typer", "rich", "acl_bundle.build"} & loaded, sorted(loaded)
assert "acl_bundle.fake" not in loaded
maps = open("/proc/self/maps").read()
assert "libascendcl" not in maps and "libacl_rt" not in maps
"""


def test_importing_opens_no_library_and_loads_next_to_nothing() -> None:
    subprocess.run([sys.executable, "-c", QUIET], check=True)
