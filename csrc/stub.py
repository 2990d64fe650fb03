"""Prints acl_bundle/_acl.pyi: the compiled shim, as type checkers see it.

    python csrc/stub.py > acl_bundle/_acl.pyi

Each function of `acl/acl_api.h` and `*/ab_*.h` becomes a method of `Lib`, each
enumerator an int. A handle has a type of its own: what the headers declare as
`void *` under a name, or as a struct without saying what is in it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from keyword import iskeyword
from typing import Any

from pycparser import c_ast, c_parser

from build import API, SEEN, declarations

HEAD = '''"""The compiled shim: csrc/build.py makes it, csrc/stub.py this file.

`_binding.shim` imports it, and `om`. In `_binding.calls.acl` a function that
answers with an aclError has no answer: it raises.
"""
# ruff: noqa: N802, N803, N816

from collections.abc import Callable, Sequence
from typing import Any, NewType, TypeAlias, TypeVar

T = TypeVar("T")

class CData:
    """An object of cffi's: an address, or what lies there."""

    def __getattr__(self, name: str) -> Any: ...
    def __getitem__(self, index: Any) -> Any: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...
    def __len__(self) -> int: ...

Pointer: TypeAlias = CData | Sequence[Any]
"""What a pointer is passed as: cffi copies a sequence for the time of the call."""

class FFI:
    NULL: Any
    def new(self, cdecl: str, init: Any = None) -> Any: ...
    def cast(self, cdecl: str, source: Any) -> Any: ...
    def from_buffer(self, *cdecl_and_buffer: Any) -> Any: ...
    def buffer(self, cdata: CData, size: int = -1) -> Any: ...
    def string(self, cdata: CData, maxlen: int = -1) -> bytes: ...
    def gc(self, cdata: T, destructor: Callable[[T], Any], size: int = 0) -> T: ...
    def release(self, cdata: CData) -> None: ...
    def typeof(self, of: Any) -> Any: ...

'''
BUILT_IN = """
typedef signed char int8_t; typedef int int32_t; typedef long long int64_t;
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t;
typedef short int16_t;
typedef unsigned long long uint64_t; typedef unsigned long size_t; typedef unsigned long uintptr_t;
"""
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LAY_OUT = [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", "_acl.pyi", "-"]


def word(kind: Any) -> str:
    """The last word of a plain type's name; "" for any other type."""
    inner = getattr(kind, "type", None)
    return str(inner.names[-1]) if isinstance(inner, c_ast.IdentifierType) else ""


def is_opaque(kind: Any, bodies: set[str]) -> bool:
    inner = getattr(kind, "type", None)
    return isinstance(inner, c_ast.Struct) and not inner.decls and inner.name not in bodies


class Declared:
    """What the headers declare.

    Attributes:
        opaque: Structs without a body; a pointer to one is a handle.
        addresses: Names of `void *`; they are handles themselves.
        callbacks: Names of pointers to functions.
        functions: Every function's declaration.
    """

    def __init__(self, headers: str) -> None:
        self.tree = c_parser.CParser().parse(BUILT_IN + COMMENT.sub("", headers))
        types = {one.name: one.type for one in self.tree.ext if isinstance(one, c_ast.Typedef)}
        structs = [kind.type for kind in types.values() if isinstance(kind.type, c_ast.Struct)]
        bodies = {one.name for one in structs if one.decls}
        pointers = {n: kind.type for n, kind in types.items() if isinstance(kind, c_ast.PtrDecl)}
        self.opaque = [name for name, kind in types.items() if is_opaque(kind, bodies)]
        self.addresses = [name for name, kind in pointers.items() if word(kind) == "void"]
        self.callbacks = [n for n, kind in pointers.items() if isinstance(kind, c_ast.FuncDecl)]
        self.functions = [
            one for one in self.tree.ext if isinstance(one.type, c_ast.FuncDecl)
        ]  # fmt: skip

    def python(self, kind: Any, pointer: str) -> str:
        """The Python type of a value; `pointer` of one that is no handle."""
        if isinstance(kind, c_ast.PtrDecl):
            return word(kind.type) if word(kind.type) in self.opaque else pointer
        name = word(kind)
        if name in self.addresses or name == "aclError":
            return name
        return {"float": "float", "void": "None"}.get(name, "int")

    def method(self, function: Any) -> str:
        """A function as a method, whose arguments have no names as cffi takes none."""
        words = ["self"]
        for one in function.type.args.params:
            if one.name is not None:  # a lone void has none
                name = f"{one.name}_" if iskeyword(one.name) else one.name
                callback = word(one.type) in self.callbacks
                words.append(f"{name}: {'CData' if callback else self.python(one.type, 'Pointer')}")
        words += ["/"] * (len(words) > 1)
        answer = self.python(function.type.type, "CData")
        return f"    def {function.name}({', '.join(words)}) -> {answer}: ..."

    def enumerators(self) -> list[str]:
        """The names of all numbers."""
        found: list[str] = []
        visitor = c_ast.NodeVisitor()
        visitor.visit_Enumerator = lambda node: found.append(node.name)
        visitor.visit(self.tree)
        return list(dict.fromkeys(found))


def stub() -> str:
    """The file's text, laid out."""
    declared = Declared(declarations(["acl/acl_types.h", API, *SEEN]))
    lines = ['aclError = NewType("aclError", int)']
    lines += [f'{name} = NewType("{name}", CData)' for name in declared.addresses + declared.opaque]
    lines += ["", "class Lib:", *(f"    {name}: int" for name in declared.enumerators())]
    lines += [*map(declared.method, declared.functions), "", "ffi: FFI", "lib: Lib", ""]
    text = HEAD + "\n".join(lines)
    return subprocess.run(LAY_OUT, input=text, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    print(stub(), end="")
