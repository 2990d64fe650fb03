"""Makes record/wrappers.h: a wrapper for each function of csrc/acl, and the table of them.

Left out are the functions that take a function of their own type, any number of arguments, or a
struct that no header describes.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
ACL = HERE.parent / "csrc" / "acl"
MADE = HERE / "wrappers.h"
TYPES = "unsimulated_types.h", "acl_dvpp_types.h"
FILES = "acl_api.h", "unsimulated_api.h", "acl_dvpp.h"
PROTOTYPE = re.compile(r"^(\w[\w ]*?[ *]+)(acl\w+)\((.*)\);$", re.MULTILINE)
PARAMETER = re.compile(r"(?P<type>.*?[ *])(?P<name>\w+)(?P<dims>(?:\[\w*\])*)")
UNSIGNED = {"uint64_t", "uint32_t", "uint16_t", "uint8_t", "size_t", "aclFloat16"}
SIGNED = {"int64_t", "int32_t", "int16_t", "int8_t", "int", "aclError"}
HANDLE = re.compile(r"^typedef void \*(\w+);", re.MULTILINE)
ON_DEVICE = {"aclrtMemcpyAsyncWithOffset"}  # with aclblas*: what they write lies on the device
FUNCTION = re.compile(r"^typedef [^;]*\(\*(\w+)\)\(", re.MULTILINE)

types = "".join(path.read_text(encoding="utf-8") for path in sorted(ACL.glob("*types.h")))
handles = {*HANDLE.findall(types)}
enums = {*re.findall(r"^typedef enum[^{]*\{[^}]*\} (\w+);", types, re.MULTILINE)}
callbacks = {*FUNCTION.findall(types)}


whole = {*re.findall(r"^\} (\w+);", types, re.MULTILINE)}


def is_unknown(parameter: str) -> bool:
    """Whether a parameter is a struct by value of which no header says what is in it."""
    words = parameter.split()
    if "*" in parameter or "[" in parameter or len(words) < 2:
        return False
    kind = words[-2]
    return not (scalar(kind) or kind in callbacks or kind in whole)


def scalar(kind: str) -> str:
    """What records a value of a type, "" where nothing does."""
    if kind in UNSIGNED:
        return "unsigned"
    if kind in SIGNED or kind in enums:
        return "signed"
    if kind in ("float", "double"):
        return "real"
    return "pointer" if kind in handles else ""


def given(kind: str, name: str, after: list[str]) -> str:
    """The statement that records an argument before the call."""
    shown = f'&acl_call, "{name}"'
    if kind == "const char *":
        return f"record_text({shown}, {name});"
    if kind == "const void *" and name == "model" and after[:1] == ["modelSize"]:
        return f"record_content({shown}, {name}, modelSize);"
    if kind == "const aclmdlIODims *":
        count = f"{name} == NULL ? 0 : (int64_t){name}->dimCount"
        return f"record_list({shown}, {name} == NULL ? NULL : {name}->dims, {count});"
    if kind.endswith("*"):
        return f"record_pointer({shown}, {name});"
    if kind in callbacks:
        return f'record_text({shown}, {name} == NULL ? NULL : "a function");'
    how = scalar(kind)
    return f"record_{how}({shown}, {name});" if how else f'record_text({shown}, "a struct");'


def answered(kind: str, name: str) -> str:
    """The statement that records what a call wrote to an argument, "" for none."""
    inner = kind.removesuffix("*").strip()
    if not kind.endswith("*") or inner.startswith("const") or inner == "void":
        return ""
    how = "pointer" if inner.endswith("*") else scalar(inner)
    if not how:
        return ""
    return f'if ({name} != NULL) record_{how}(&acl_call, "{name}", *{name});'


def wrapper(index: int, result: str, name: str, parameters: list[tuple[str, str, str]]) -> str:
    """One function."""
    listed = ", ".join(f"{kind}{word}{dims}" for kind, word, dims in parameters) or "void"
    bare = [(re.sub(r"\s*\*", " *", kind).strip(), word) for kind, word, _ in parameters]
    names = [word for _, word in bare]
    lines = [f"EXPORTED {result}{name}({listed})", "{", f"    {result}(*acl_real)({listed});"]
    lines += [
        "    record_call acl_call;",
        f"    void *acl_symbol = record_begin(&acl_call, {index});",
    ]
    failed = {"aclError": "return 200001;", "void": "return;"}.get(result.strip(), "return 0;")
    lines += ["    if (acl_symbol == NULL) {", f"        {failed}", "    }"]
    lines += ["    memcpy(&acl_real, &acl_symbol, sizeof acl_real);"]
    for at, ((kind, word), (_, _, dims)) in enumerate(zip(bare, parameters, strict=True)):
        count = next((one for one in names[:at] if one == "numDims"), None)
        if kind == "const int64_t *" and count:
            lines.append(f'    record_list(&acl_call, "{word}", {word}, {count});')
        else:
            lines.append("    " + given(f"{kind} *" if dims else kind, word, names[at + 1 :]))
    lines.append("    record_run(&acl_call);")
    call = f"acl_real({', '.join(names)})"
    kind = result.strip()
    if kind == "void":
        lines += [f"    {call};"]
    else:
        lines += [f"    {result}acl_result = {call};"]
        how = "pointer" if kind.endswith("*") else scalar(kind)
        how = "text" if kind == "const char *" else how
        lines += [f'    record_{how}(&acl_call, "result", acl_result);'] if how else []
    places = [pair for pair, (_, _, dims) in zip(bare, parameters, strict=True) if not dims]
    outs = [answered(*pair) for pair in places]
    outs = [one for one in outs if one and name not in ON_DEVICE and name[:7] != "aclblas"]
    if outs and kind == "aclError":
        lines += ["    if (acl_result == 0) {", "        record_outs(&acl_call);"]
        lines += [f"        {one}" for one in outs] + ["        record_run(&acl_call);", "    }"]
    lines += ["    record_end(&acl_call);"]
    lines += [] if kind == "void" else ["    return acl_result;"]
    return "\n".join([*lines, "}", ""])


def made(only: frozenset[str] = frozenset()) -> str:
    """The file; with wrappers of some functions alone where these are named."""
    found = []
    for file in FILES:
        for result, name, text in PROTOTYPE.findall((ACL / file).read_text(encoding="utf-8")):
            if "..." in text or "(" in text or (only and name not in only):
                continue
            parts = [] if text.strip() in ("", "void") else text.split(",")
            if any(is_unknown(part) for part in text.split(",")):
                continue
            matches = [PARAMETER.fullmatch(part.strip()) for part in parts]
            parameters = [(m["type"], m["name"], m["dims"]) for m in matches if m]
            found.append((name, result, parameters))
    found.sort()
    head = [
        "/* Made by record/wrappers.py of csrc/acl. */",
        '#define EXPORTED __attribute__((visibility("default")))', "",
        *(f'#include "acl/{file}"' for file in (*TYPES, *FILES)), "",
    ]  # fmt: skip
    bodies = [wrapper(at, result, name, given) for at, (name, result, given) in enumerate(found)]
    table = [f'    {{"{name}", (record_any *){name}, NULL}},' for name, _, _ in found]
    return "\n".join([
        *head, *bodies, "record_function record_functions[] = {", *table, "};",
        f"const size_t record_functions_count = {len(found)};", "",
    ])  # fmt: skip


if __name__ == "__main__":
    text = made()
    if not MADE.exists() or MADE.read_text(encoding="utf-8") != text:
        MADE.write_text(text, encoding="utf-8")
