"""Makes acl_bundle/fake/include: the headers that C and C++ programs include, under CANN's names.

They are made, not written, so that each type and each function is stated once, in csrc/acl: cffi
reads those files as they stand, the fake is compiled against them, and neither can read what a
program needs besides: one file for each of CANN's, ``extern "C"``, constants of the preprocessor,
and the functions that only answer. A comment that names a header (``/* acl/acl_rt.h */``) says
which one the declarations below it go to; statuses come from acl_bundle/errors/codes.py.
"""

from __future__ import annotations

import os
import re
import runpy
from pathlib import Path, PurePosixPath
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent
INCLUDE = ROOT / "acl_bundle" / "fake" / "include"
FILES = {  # of csrc/acl, in order, and where what no comment sends elsewhere goes
    "constants": "",
    "acl_types": "acl/acl_base_rt.h",
    "acl_dvpp_types": "acl/ops/acl_dvpp.h",
    "unsimulated_types": "",
    "acl_api": "",
    "acl_dvpp": "acl/ops/acl_dvpp.h",
    "unsimulated_api": "",
}

SECTION = re.compile(r"^/\* (acl/[\w/]+\.h) \*/$", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DECLARATION = re.compile(
    r"^#define (?P<constant>(?!\w+_H$)\w+).*$"
    r"|^static const int (?P<number>\w+) .*$"
    r"|^(?:__extension__ )?typedef [^;{]*(?:\{(?:[^{}]|\{[^{}]*\})*\} (?P<body>\w+)"
    r"|\(\*(?P<callback>\w+)\)\([^;]*|\b(?P<alias>\w+));$"
    r"|^\w[\w *]*?\b(?P<function>acl\w+)\([^;]*;$",
    re.MULTILINE,
)
DVPP = """\
#ifndef ENABLE_DVPP_INTERFACE
#error "define ENABLE_DVPP_INTERFACE before acl/ops/acl_dvpp.h is included, as CANN's asks"
#endif
"""


NO_HIMPI = "/* The hi_* functions of media are not simulated, and nothing of them is declared. */\n"


class Header(NamedTuple):
    """One header: CANN's guard, so that a program which sees both kinds takes one of them."""

    guard: str
    includes: tuple[str, ...]
    before: str = ""


def himpi(name: str) -> Header:
    """A header of media's second generation: programs include it for one of both kinds of chips."""
    return Header(name.upper(), ("acl/acl.h",), NO_HIMPI)


HEADERS = {
    "acl/acl.h": Header("ACL_ACL", ("acl/acl_rt.h", "acl/acl_op.h", "acl/acl_mdl.h")),
    "acl/acl_base.h": Header(
        "ACL_ACL_BASE",
        (
            "acl/acl_base_rt.h", "acl/acl_base_mdl.h",
            "acl/error_codes/rt_error_codes.h", "acl/error_codes/ge_error_codes.h",
        ),
    ),
    "acl/acl_base_rt.h": Header("ACL_ACL_BASE_RT", ()),
    "acl/acl_base_mdl.h": Header("ACL_ACL_BASE_MODEL", ("acl/acl_base_rt.h",)),
    "acl/acl_rt_allocator.h": Header("ACL_ACL_RT_ALLOCATOR", ("acl/acl_base.h",)),
    "acl/acl_rt.h": Header("ACL_ACL_RT", ("acl/acl_base.h", "acl/acl_rt_allocator.h")),
    "acl/acl_rt_memory_soma.h": Header("ACL_RT_MEMORY", ("acl/acl_rt.h",)),
    "acl/acl_dump.h": Header("ACL_DUMP", ("acl/acl_base.h",)),
    "acl/acl_op.h": Header("ACL_ACL_OP", ("acl/acl_rt.h", "acl/acl_dump.h")),
    "acl/acl_mdl.h": Header("ACL_ACL_MODEL", ("acl/acl_rt.h",)),
    "acl/acl_op_compiler.h": Header("ACL_ACL_OP_COMPILER", ("acl/acl_op.h",)),
    "acl/acl_prof.h": Header("ACL_PROF", ("acl/acl_base.h",)),
    "acl/acl_tdt.h": Header("ACL_ACL_TDT", ("acl/acl_base.h",)),
    "acl/acl_tdt_queue.h": Header("ACL_ACL_TDT_QUEUE", ("acl/acl_base.h",)),
    "acl/ops/acl_cblas.h": Header("ACL_OPS_ACL_CBLAS", ("acl/acl.h",)),
    "acl/ops/acl_dvpp.h": Header("ACL_OPS_ACL_DVPP", ("acl/acl.h",), DVPP),
    "acl/dvpp/hi_dvpp.h": himpi("hi_dvpp"),
    "acl/dvpp/hi_dvpp_vdec.h": himpi("hi_dvpp_vdec"),
    "acl/dvpp/hi_dvpp_venc.h": himpi("hi_dvpp_venc"),
    "acl/dvpp/hi_dvpp_vpc.h": himpi("hi_dvpp_vpc"),
    "acl/dvpp/hi_media_common.h": himpi("hi_media_common"),
    "acl/dvpp/hi_media_type.h": himpi("hi_media_type"),
    "acl/ops/acl_fv.h": Header("ACL_OPS_ACL_RETR", ("acl/acl.h",)),
    "acl/error_codes/rt_error_codes.h": Header("RT_ERROR_CODES", ()),
    "acl/error_codes/ge_error_codes.h": Header("GE_GE_ERROR_CODES", ()),
}  # fmt: skip


def declarations() -> dict[str, tuple[str, str]]:
    """Where each name is declared, and how."""
    found: dict[str, tuple[str, str]] = {}
    for name, rest in FILES.items():
        text = (HERE / "acl" / f"{name}.h").read_text(encoding="utf-8")
        first, *parts = SECTION.split(text)
        for header, part in zip([rest, *parts[::2]], [first, *parts[1::2]], strict=True):
            for match in DECLARATION.finditer(COMMENT.sub("", part) if header else ""):
                declared = str(match[match.lastgroup or 0])
                assert declared not in found, f"csrc/acl declares {declared} twice"
                found[declared] = (header, match[0])
    return found


def statuses() -> dict[str, str]:
    """The status codes of each header, as CANN gives them: typed, or by the preprocessor."""
    codes = runpy.run_path(str(ROOT / "acl_bundle" / "errors" / "codes.py"))["CODES"]
    none = [f"static const int {name} = 0;" for name in ("ACL_SUCCESS", "ACL_ERROR_NONE")]
    base, rt, ge = none, ["#define ACL_RT_SUCCESS 0"], []
    for number, (name, _) in sorted(codes.items()):
        if name.startswith("ACL_ERROR_GE_"):
            ge.append(f"static const uint32_t {name} = {number}U;")
        elif number // 1000 % 100 == 7:  # 107000, 207000, 507000: the runtime's
            rt.append(f"#define {name} {number}")
        else:
            base.append(f"static const int {name} = {number};")
    return {
        "acl/acl_base_rt.h": "\n".join(base) + "\n",
        "acl/error_codes/rt_error_codes.h": "\n".join(rt) + "\n",
        "acl/error_codes/ge_error_codes.h": "\n".join(ge) + "\n",
    }


def header(name: str, body: str) -> str:
    """The text of one header. It includes by relative paths: any include folder serves."""
    guard = f"INC_EXTERNAL_{HEADERS[name].guard}_H_"
    folder = PurePosixPath(name).parent
    included = "".join(
        f'#include "{os.path.relpath(one, folder)}"\n' for one in HEADERS[name].includes
    )
    if body:
        body = (
            '#ifdef __cplusplus\nextern "C" {\n#endif\n\n'
            + body
            + "\n#ifdef __cplusplus\n}\n#endif\n"
        )
    return "\n".join(filter(None, [
        "/* Made by csrc/include.py of acl_bundle, from csrc/acl. */",
        HEADERS[name].before + f"#ifndef {guard}\n#define {guard}\n",
        "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n" + included,
        body, "#endif\n",
    ]))  # fmt: skip


def texts() -> dict[str, str]:
    """Every header by its path in the include folder."""
    parts = {name: [text] for name, text in statuses().items()}
    before = ""
    for where, text in declarations().values():
        assert where in HEADERS, f"csrc/acl declares for {where}, which csrc/include.py lacks"
        apart = "\n" if "\n" in text or "\n" in before else ""
        parts.setdefault(where, []).append(f"{apart}{text}\n")
        before = text
    return {name: header(name, "".join(parts.get(name, ()))) for name in HEADERS}


def write() -> None:
    """Write what has changed."""
    for name, text in texts().items():
        path = INCLUDE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
