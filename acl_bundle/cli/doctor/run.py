"""``acl-bundle doctor``: would a bundle run here, and if not, why not.

Opens the library as any program would, so what it reports is what a program
gets. The fake is only looked at, unless it is the library that was opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import acl_bundle
from acl_bundle import errors, fake, om
from acl_bundle._base.extra import how
from acl_bundle._binding.calls import acl
from acl_bundle._binding.library import attempts, has
from acl_bundle._binding.shim import ffi, lib
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.status import DIFFERENT, OK

Finding = tuple[bool, str]
"""Whether it is well, and one line to print."""


def _library() -> Iterator[Finding]:
    """Open the library and tell every attempt until it was."""
    try:
        opened = acl_bundle.load_library()
    except errors.LibraryNotFoundError:
        opened = None
    for name, why in attempts:
        if why:
            yield opened is not None, f"tried {name}: {why}"
    if opened is None:
        yield (
            False,
            (
                "no AscendCL library: name it with ACL_BUNDLE_LIBRARY=<path>, or source CANN's"
                " set_env.sh"
            ),
        )
        return
    yield True, f"opened {opened}"
    for ask in (_version, _devices, _functions):
        yield _answer(ask)


def _answer(ask: Callable[[], str]) -> Finding:
    try:
        return True, ask()
    except errors.AclBundleError as error:
        return False, str(error)


def _version() -> str:
    numbers = [ffi.new("int32_t *") for _ in range(3)]
    acl.aclrtGetVersion(*numbers)
    return f"AscendCL version {'.'.join(str(number[0]) for number in numbers)}"


def _devices() -> str:
    count = ffi.new("uint32_t *")
    acl.aclrtGetDeviceCount(count)
    return f"devices: {count[0]}"


def _functions() -> str:
    """What an older CANN lacks; each costs only the feature that needs it."""
    names = [name for name in dir(lib) if name.startswith("acl")]
    missing = [name for name in names if not has(name)]
    if not missing:
        return f"all {len(names)} functions are there"
    return f"{len(missing)} of {len(names)} functions are missing: {', '.join(missing)}"


def _fake() -> Iterator[Finding]:
    """What the fake needs: its own file, and an ONNX Runtime to compute with."""
    try:
        yield True, f"library: {fake.library_path()}"
    except FileNotFoundError as error:
        yield False, str(error)
    runtime = fake.onnxruntime_path()
    if runtime is None:
        yield False, f"no onnxruntime to compute with: {how('fake')}"
    else:
        missing = "" if runtime.exists() else ", which does not exist"
        yield not missing, f"computes with {runtime}{missing}"


def _file(path: Path) -> Iterator[Finding]:
    """What would keep `Bundle.load` from loading a file."""
    try:
        bundle = om.open_loadable(path)
        roles = bundle.roles
        weights = bundle.variables
    except (errors.BundleFormatError, OSError) as error:
        yield False, str(error)
        return
    said = ", ".join(f"graph {index} {role}" for role, index in roles.items())
    yield True, f"roles: {said or 'none; use bundle.graphs'}"
    unknown = [name for name, weight in weights.items() if weight.shape is None]
    yield True, f"refreshable weights: {len(weights)}"
    if unknown:
        yield True, f"shape not in the file, learnt at the first update: {', '.join(unknown)}"
    chip = [model.name for model in bundle.models if model.is_compiled_for_chip]
    yield True, f"runs on a chip: {', '.join(chip)}" if chip else "runs on the fake alone"


def run(path: Path | None, as_json: bool) -> int:
    """Print what was found.

    Args:
        path: A bundle file to check as well.
        as_json: Print JSON.

    Returns:
        0 when a library was opened and works, and the file can be loaded; else 1.
    """
    parts = {"library": list(_library()), "fake": list(_fake())}
    checked = [] if path is None else list(_file(path))
    well = all(well for well, _ in (*parts["library"], *checked))
    if as_json:
        _document(parts, path, checked, well)
    else:
        _show([*parts.items(), *([] if path is None else [(str(path), checked)])])
    return OK if well else DIFFERENT


def _document(
    parts: dict[str, list[Finding]], path: Path | None, checked: list[Finding], well: bool
) -> None:
    rows = {title: _rows(findings) for title, findings in parts.items()}
    file = {} if path is None else {"file": {"path": str(path), "findings": _rows(checked)}}
    output.document({"ok": well, **rows, **file})


def _rows(findings: list[Finding]) -> list[dict[str, bool | str]]:
    return [{"ok": good, "text": text} for good, text in findings]


def _show(parts: list[tuple[str, list[Finding]]]) -> None:
    for title, findings in parts:
        output.line(title)
        for well, text in findings:
            output.line(f"  {'ok ' if well else 'BAD'} {text}")
