"""Builds acl_bundle/_acl.abi3.so: the shim between Python and libascendcl.so.

`acl_api.h` is read twice. cffi takes it as it stands, so each function is
callable from Python; and each prototype becomes a static pointer of the same
name, NULL until `ab_open` fills it, so nothing is linked against CANN. The
shim's own files are compiled into the same translation unit, because the
pointers and everything behind them are static.
"""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent
PROTOTYPE = re.compile(r"^(\w[\w ]*?[ *]+)(acl\w+)\((.*)\);$", re.MULTILINE)
NOUNS = ("loader", "gate", "claim", "device", "gear", "ring", "engine", "commit", "narrow",
         "vectors", "avx2", "neon", "convert", "finite", "stage", "pack", "crew", "transfer",
         "gather", "call", "shapes", "lane", "flight", "wire")  # fmt: skip
SOURCES = [f"acl_{noun}.c" for noun in NOUNS]
HEADERS = [f"acl_{noun}.h" for noun in NOUNS if (HERE / f"acl_{noun}.h").exists()]
"""Files without one are for the other files alone."""


def text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def pointers(api: str) -> str:
    """The prototypes as static pointers, and the loader's table of them."""
    found = PROTOTYPE.findall(api)
    lines = [f"static {result}(*{name})({args});" for result, name, args in found]
    lines.append("static const struct {\n    const char *name;\n    void *slot;\n} acl_table[] = {")
    lines += [f'    {{"{name}", &{name}}},' for _, name, _ in found]
    return "\n".join([*lines, "};", ""])


def declarations() -> str:
    """The shim's own prototypes, made static for the compiler."""
    return re.sub(
        r"^(?=\w[^;{]*\bab_\w+\()", "static ", "\n".join(map(text, HEADERS)), flags=re.MULTILINE
    )


SYSTEM = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
"""

# The stable ABI as of 3.10, for METH_FASTCALL. Free-threaded interpreters have none.
FREE_THREADED = sysconfig.get_config_var("Py_GIL_DISABLED")
LIMITED = [] if FREE_THREADED else [("Py_LIMITED_API", "0x030a0000")]

types, api = text("acl_types.h"), text("acl_api.h")
source = "\n".join([SYSTEM, types, pointers(api), declarations(), *map(text, SOURCES)])
ffibuilder = FFI()
ffibuilder.cdef("\n".join([types, api, *map(text, HEADERS)]))
ffibuilder.set_source(
    "acl_bundle._acl",
    source,
    define_macros=[("_GNU_SOURCE", None), *LIMITED],
    extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden"],
    libraries=["dl", "pthread"],
    py_limited_api=True,
)

if __name__ == "__main__":  # what the compiler is to be strict with
    print("#include <Python.h>", source, sep="\n")
