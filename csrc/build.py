"""Builds acl_bundle/_acl.abi3.so: the shim between Python and libascendcl.so.

Each file here is compiled by itself. cffi adds one that it generates: a wrapper
for each function of `acl/acl_api.h` and of `*/ab_*.h`, the headers that Python
sees. Of `acl/acl_api.h` each prototype becomes a pointer of the same name, NULL
until `ab_open` fills it, so nothing is linked against CANN. Two things are made
of the prototypes: `acl/pointers.h`, which declares the pointers for the other
files, and the loader's table of them, which lies in the file that cffi generates.
"""

from __future__ import annotations

import re
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent
POINTERS = HERE / "acl" / "pointers.h"
API = "acl/acl_api.h"
SEEN = sorted(path.relative_to(HERE).as_posix() for path in HERE.glob("*/ab_*.h"))
"""The headers of the functions that Python calls."""

PROTOTYPE = re.compile(r"^(\w[\w ]*?[ *]+)(acl\w+)\((.*)\);$", re.MULTILINE)
INCLUDE = re.compile(r'^#include "(.+)"$', re.MULTILINE)
LINE = re.compile(r"^#.*\n", re.MULTILINE)


def text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def declarations(names: list[str]) -> str:
    """What cffi reads: the headers and all that they include, each once, without directives."""
    done: dict[str, str] = {}

    def read(name: str) -> None:
        if name not in done:
            for needed in INCLUDE.findall(text(name)):
                read(needed)
            done[name] = LINE.sub("", text(name))

    for name in names:
        read(name)
    return "\n".join(done.values())


def pointers() -> str:
    """The header that declares a pointer for each prototype."""
    found = [f"extern {result}(*{name})({args});" for result, name, args in prototypes]
    return "\n".join([
        f"/* Made by csrc/build.py from {API}. */",
        "#ifndef ACL_POINTERS_H", "#define ACL_POINTERS_H", "", '#include "acl/acl_types.h"', "",
        "#pragma GCC visibility push(hidden)", *found, "#pragma GCC visibility pop", "", "#endif",
        "",
    ])  # fmt: skip


def table() -> str:
    """The pointers themselves, and the loader's rows."""
    return "\n".join([
        *(f"{result}(*{name})({args});" for result, name, args in prototypes),
        "const ab_function ab_functions[] = {",
        *(f'    {{"{name}", &{name}}},' for _, name, _ in prototypes),
        "    {NULL, NULL},", "};", "",
    ])  # fmt: skip


prototypes = PROTOTYPE.findall(text(API))
if not POINTERS.exists() or POINTERS.read_text(encoding="utf-8") != pointers():
    POINTERS.write_text(pointers(), encoding="utf-8")

INCLUDED = ["acl/pointers.h", "device/loader.h", *SEEN]
SOURCE = "\n".join([*(f'#include "{name}"' for name in INCLUDED), "", table()])

ffibuilder = FFI()
ffibuilder.cdef(declarations(["acl/acl_types.h", API, *SEEN]))
ffibuilder.set_source(
    "acl_bundle._acl",
    SOURCE,
    sources=sorted(f"csrc/{path.relative_to(HERE)}" for path in HERE.glob("*/*.c")),
    depends=sorted(f"csrc/{path.relative_to(HERE)}" for path in HERE.rglob("*.h")),
    include_dirs=["csrc"],
    # The stable ABI as of 3.10, for METH_FASTCALL.
    define_macros=[("_GNU_SOURCE", None), ("Py_LIMITED_API", "0x030a0000")],
    extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden"],
    libraries=["dl", "pthread"],
    py_limited_api=True,
)
