"""A word is one thing: no two classes have one name, and no two types of C.

Two classes may share a name where users find each in a public package of its own:
`acl_bundle.Bundle` is loaded, `build.Bundle` was built, `om.Bundle` is read.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.laws.test_public_names import PUBLIC

ROOT = Path(__file__).parents[2]
SHARED = {
    "Bundle": {"acl_bundle", "acl_bundle.build", "acl_bundle.om"},
    "Graph": {"acl_bundle", "acl_bundle.om"},
    "Model": {"acl_bundle.build", "acl_bundle.om"},
    "Source": {"acl_bundle.follow", "acl_bundle.weights"},
    "Tensor": {"acl_bundle.compat", "acl_bundle.om"},  # compat: ais_bench's names
    "TensorDesc": {"acl_bundle.compat", "acl_bundle.om"},
}
TYPE = re.compile(r"^(?:typedef )?(?:struct|enum|union) (\w+) \{|^\} (\w+);$", re.MULTILINE)
TYPEDEF = re.compile(
    r"^typedef (?!.*\{|(?:struct|union) \w+ \w+;)(?:.*\(\*(\w+)\)\(|.*?\b(\w+);$)", re.MULTILINE
)


def classes() -> dict[str, list[str]]:
    """Where each class is written, as the public package that shows it, or else its file."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "acl_bundle").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(_home(path.relative_to(ROOT), node.name))
    return found


def _home(path: Path, name: str) -> str:
    package = ".".join(path.parts[:2]) if len(path.parts) > 2 else "acl_bundle"
    shown = package in PUBLIC and name in import_module(package).__all__
    return package if shown else str(path)


def test_no_two_classes_have_one_name() -> None:
    """Give one of them a word that says what it is, or both a package that shows it."""
    twice = {name: homes for name, homes in classes().items() if len(homes) > 1}
    assert {name: sorted(homes) for name, homes in twice.items()} == {
        name: sorted(homes) for name, homes in SHARED.items()
    }


def types(text: str) -> Iterator[str]:
    """The tags of structs, unions and enums, and the names that typedef gives."""
    without = re.sub(r"^static (_Thread_local )?struct \{.*?^\}", "", text, flags=re.M | re.S)
    for match in (*TYPE.finditer(without), *TYPEDEF.finditer(without)):
        yield match[1] or match[2]


def test_no_two_types_of_c_have_one_name() -> None:
    """A type may be told of before it is written; what is written in two files is two types."""
    for folder in ("csrc", "fakes"):
        found: dict[str, set[str]] = defaultdict(set)
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            for name in types(path.read_text(encoding="utf-8")):
                found[name].add(str(path.relative_to(ROOT)))
        assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_types_are_found() -> None:
    text = (
        "typedef struct Later Later;\n"
        "typedef struct Node {\n    int a;\n} Node;\nenum kind { ONE };\ntypedef int64_t Handle;\n"
        "typedef void (*Callback)(void *);\nstatic struct {\n    int b;\n} state;\n"
    )
    assert {*types(text)} == {"Node", "kind", "Handle", "Callback"}
