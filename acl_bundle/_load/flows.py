"""The ways a bundle gets into the library: two, and one for a plain model.

*owned*: the variables live in device memory of ours. The file is registered
with aclmdlBundleInitFromMem, and each graph is loaded by aclmdlBundleLoadModel.

*library*: aclmdlBundleLoadFromMem loads all graphs and keeps the variables.
It is the only way for files whose constants lie beside them, and for a CANN
without the Init functions.

A plain model has no variables, so no flow to choose: aclmdlLoadFromMem.

All three read our bytes (`kept`), which are lent until close: a second id is
loaded from them. Only where that cannot be, the functions FromFile are given
the path, and a second id is of what the path leads to by then, or refused.

A failed aclmdlBundleLoad* can leave a live bundle id behind (facts 1.7), which
is given back here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from typing import Any, Literal, NamedTuple

from acl_bundle import om
from acl_bundle._base.owner import Taken
from acl_bundle._binding.calls import acl, checked
from acl_bundle._binding.library import has, need
from acl_bundle._binding.shim import NULL, ffi
from acl_bundle._device.memory import DeviceBuffer
from acl_bundle._load.kept import Kept
from acl_bundle.device import Device
from acl_bundle.errors import AclError, LibraryError, UnsupportedError

Flow = Literal["auto", "owned", "library"]
OWNED_NEEDS = (
    "aclmdlBundleCreateQueryInfo",
    "aclmdlBundleQueryInfoFromMem",
    "aclmdlBundleGetVarWeightSize",
    "aclmdlBundleInitFromFile",
    "aclmdlBundleInitFromMem",
    "aclmdlBundleLoadModel",
)


INIT = "aclmdlBundleInitFromFile", "aclmdlBundleInitFromMem"
LOAD = "aclmdlBundleLoadFromFile", "aclmdlBundleLoadFromMem"
PLAIN = "aclmdlLoadFromFile", "aclmdlLoadFromMem"


class LoadedBundle(NamedTuple):
    """A bundle in the library.

    Attributes:
        models: The ids of its graphs, in file order.
        memory: The variables' memory, where it is ours.
        again: Loads the graph of an index once more, over the same variables;
            the stack gives it back. Returns the model's id.
    """

    models: list[int]
    memory: DeviceBuffer | None
    again: Callable[[ExitStack, int], int]


def choose(flow: Flow, file: om.Bundle) -> Literal["owned", "library"]:
    """Decide the flow: see the module. ``"auto"`` prefers owned variables.

    Raises:
        ValueError: The flow has another name.
        UnsupportedError: Owned variables were asked for and cannot be had.
    """
    if flow not in ("auto", "owned", "library"):
        raise ValueError(f"variables is 'auto', 'owned' or 'library', not {flow!r}")
    if flow == "library":
        return "library"
    if isinstance(file, om.Single):
        return _without_variables(flow)
    missing = [name for name in OWNED_NEEDS if not has(name)]
    external = file.has_external_weights
    if flow == "auto":
        return "library" if missing or external else "owned"
    if missing:
        need("use variables='library', for variables='owned' cannot be had", missing)
    if external:
        raise UnsupportedError(
            "variables='owned' cannot load a file that keeps weights outside itself;"
            " use variables='library'"
        )
    return "owned"


def _without_variables(flow: Flow) -> Literal["library"]:
    """The flow of a plain model: there is nothing that could be owned."""
    if flow == "owned":
        raise UnsupportedError(
            "variables='owned' is for the variables of a bundle; a plain model has none:"
            " leave variables= out"
        )
    return "library"


def _size_of_variables(data: Any, size: int, least: int) -> int:
    """What the library says the variables take, in bytes."""
    nbytes = ffi.new("size_t *")
    with Taken() as own:
        info = acl.aclmdlBundleCreateQueryInfo()
        own.callback(acl.aclmdlBundleDestroyQueryInfo, info)
        acl.aclmdlBundleQueryInfoFromMem(data, size, info)
        acl.aclmdlBundleGetVarWeightSize(info, nbytes)
    right = f"the file says {least} bytes"
    return checked("aclmdlBundleGetVarWeightSize", nbytes[0], right, least=least)


def _lent(stack: ExitStack, file: om.Bundle) -> Any:
    """The file's bytes, as long as the stack lasts."""
    data = ffi.from_buffer(file.data)
    stack.callback(ffi.release, data)
    return data


class LibraryFile(NamedTuple):
    """Where the library reads a file.

    Attributes:
        kept: The file.
        path: What it is to read by name, or None: it reads our bytes.
    """

    kept: Kept
    path: bytes | None

    def load(self, stack: ExitStack, functions: tuple[str, str], *rest: Any) -> None:
        """Call the function for the one or the other."""
        by_path, from_bytes = functions
        if self.path is not None:
            getattr(acl, by_path)(self.path, *rest)
            return
        file = self.kept.file
        getattr(acl, from_bytes)(_lent(stack, file), len(file.data), *rest)

    def unchanged(self) -> AbstractContextManager[None]:
        """See `Kept.unchanged`."""
        return self.kept.unchanged(self.path is not None)


def _library_file(kept: Kept, device: Device, from_bytes: str) -> LibraryFile:
    """By name where it must be: a file of which a part lies beside it; a program on the device,
    whose bytes are the host's; a CANN that has no other way.
    """
    named = kept.file.has_external_weights or not device.on_host or not has(from_bytes)
    return LibraryFile(kept, os.fsencode(kept.path) if named and kept.path is not None else None)


def _check_distinct(function: str, models: list[int]) -> None:
    if len(set(models)) < len(models):
        raise LibraryError(function, models, "each graph has an id of its own")


def _owned(stack: ExitStack, kept: Kept, device: Device) -> LoadedBundle:
    file = kept.file
    nbytes = _size_of_variables(_lent(stack, file), len(file.data), file.variable_size)
    variables, memory = None, NULL
    if nbytes:
        variables = DeviceBuffer(nbytes)
        stack.callback(variables.close)
        memory = variables.pointer
    bundle, source, models = ffi.new("uint32_t *"), _library_file(kept, device, INIT[1]), []
    with source.unchanged():
        source.load(stack, INIT, memory, nbytes, bundle)
        stack.callback(acl.aclmdlBundleUnload, bundle[0])
        for index in range(len(file.models)):
            model = ffi.new("uint32_t *")
            acl.aclmdlBundleLoadModel(bundle[0], index, model)
            models.append(int(model[0]))
    _check_distinct("aclmdlBundleLoadModel", models)
    return LoadedBundle(models, variables, partial(_again, source, bundle[0]))


def _library(stack: ExitStack, kept: Kept, device: Device) -> LoadedBundle:
    bundle, source = ffi.new("uint32_t *"), _library_file(kept, device, LOAD[1])
    with source.unchanged():
        try:
            source.load(stack, LOAD, bundle)
        except BaseException:
            if bundle[0]:
                with suppress(AclError):  # the load's own failure is what matters
                    acl.aclmdlBundleUnload(bundle[0])
            raise
        stack.callback(acl.aclmdlBundleUnload, bundle[0])
    count = ffi.new("size_t *")
    acl.aclmdlBundleGetModelNum(bundle[0], count)
    models = []
    graphs = len(kept.file.models)
    right = f"the file has {graphs} graphs"
    checked("aclmdlBundleGetModelNum", count[0], right, least=graphs, most=graphs)
    for index in range(count[0]):
        model = ffi.new("uint32_t *")
        acl.aclmdlBundleGetModelId(bundle[0], index, model)
        models.append(int(model[0]))
    _check_distinct("aclmdlBundleGetModelId", models)
    return LoadedBundle(models, None, partial(_again, source, bundle[0]))


def _again(source: LibraryFile, bundle: int, stack: ExitStack, index: int) -> int:
    """Load a graph of a bundle once more (facts 1.7); the library reads the file again."""
    model = ffi.new("uint32_t *")
    with source.unchanged():
        acl.aclmdlBundleLoadModel(bundle, index, model)
        if has("aclmdlBundleUnloadModel"):
            stack.callback(acl.aclmdlBundleUnloadModel, bundle, model[0])
    return int(model[0])


def _single(stack: ExitStack, kept: Kept, device: Device) -> LoadedBundle:
    """Load a plain model file."""
    source = _library_file(kept, device, PLAIN[1])

    def load(stack: ExitStack, _: int) -> int:
        model = ffi.new("uint32_t *")
        with source.unchanged():
            source.load(stack, PLAIN, model)
            stack.callback(acl.aclmdlUnload, model[0])
        return int(model[0])

    return LoadedBundle([load(stack, 0)], None, load)


def load(stack: ExitStack, kept: Kept, device: Device, flow: Flow) -> LoadedBundle:
    """Load every graph of a file; the stack gives them back, and closes the file.

    The device's context is current.

    Raises:
        SourceChangedError: The file was written while it was being loaded.
        AclError: The library refused the file, or the device has no room.
    """
    stack.callback(kept.close)
    chosen = choose(flow, kept.file)
    if isinstance(kept.file, om.Single):
        return _single(stack, kept, device)
    return (_owned if chosen == "owned" else _library)(stack, kept, device)
