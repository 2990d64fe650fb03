"""The ways a bundle gets into the library: two, and one for a plain model.

*owned*: the variables live in device memory of ours. The file is registered
with aclmdlBundleInitFromMem over its mapping, which is lent until close
(InitFromFile when the program runs on the device itself), and each graph is
loaded by aclmdlBundleLoadModel.

*library*: aclmdlBundleLoadFromFile loads all graphs and keeps the variables.
It is the only way for files whose constants lie beside them, and for a CANN
without the Init functions.

A plain model has no variables, so no flow to choose: aclmdlLoadFromFile, or
LoadFromMem over bytes that are lent until close.

A failed aclmdlBundleLoad* can leave a live bundle id behind (facts 1.7), which
is given back here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Literal, NamedTuple

from acl_bundle import om
from acl_bundle._api import NULL, acl, ffi, has
from acl_bundle._owner import Taken
from acl_bundle.device import Device
from acl_bundle.errors import AclError, UnsupportedError
from acl_bundle.memory import DeviceBuffer

Flow = Literal["auto", "owned", "library"]
Source = om.Source
OWNED_NEEDS = (
    "aclmdlBundleCreateQueryInfo",
    "aclmdlBundleQueryInfoFromMem",
    "aclmdlBundleGetVarWeightSize",
    "aclmdlBundleInitFromFile",
    "aclmdlBundleInitFromMem",
    "aclmdlBundleLoadModel",
)


class Loaded(NamedTuple):
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
        raise UnsupportedError(
            f"variables='owned' needs {', '.join(missing)}, which this CANN lacks;"
            " use variables='library'"
        )
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


def _size_of_variables(data: Any, size: int) -> int:
    """What the library says the variables take, in bytes."""
    nbytes = ffi.new("size_t *")
    with Taken() as own:
        info = acl.aclmdlBundleCreateQueryInfo()
        own.callback(acl.aclmdlBundleDestroyQueryInfo, info)
        acl.aclmdlBundleQueryInfoFromMem(data, size, info)
        acl.aclmdlBundleGetVarWeightSize(info, nbytes)
    return int(nbytes[0])


def _lent(stack: ExitStack, file: om.Bundle) -> Any:
    """The file's bytes, as long as the stack lasts."""
    data = ffi.from_buffer(file.data)
    stack.callback(ffi.release, data)
    return data


def _owned(stack: ExitStack, source: Source, file: om.Bundle, device: Device) -> Loaded:
    data = _lent(stack, file)
    nbytes = _size_of_variables(data, len(file.data))
    variables, memory = None, NULL
    if nbytes:
        variables = DeviceBuffer(nbytes)
        stack.callback(variables.close)
        memory = variables.pointer
    bundle = ffi.new("uint32_t *")
    if not isinstance(source, str | os.PathLike) or device.on_host:
        acl.aclmdlBundleInitFromMem(data, len(file.data), memory, nbytes, bundle)
    else:
        acl.aclmdlBundleInitFromFile(os.fsencode(source), memory, nbytes, bundle)
    stack.callback(acl.aclmdlBundleUnload, bundle[0])
    models = []
    for index in range(len(file.models)):
        model = ffi.new("uint32_t *")
        acl.aclmdlBundleLoadModel(bundle[0], index, model)
        models.append(int(model[0]))
    return Loaded(models, variables, partial(_again, bundle[0]))


def _library(stack: ExitStack, source: Source, file: om.Bundle) -> Loaded:
    bundle = ffi.new("uint32_t *")
    try:
        if not isinstance(source, str | os.PathLike):
            acl.aclmdlBundleLoadFromMem(_lent(stack, file), len(file.data), bundle)
        else:
            acl.aclmdlBundleLoadFromFile(os.fsencode(source), bundle)
    except BaseException:
        if bundle[0]:
            with suppress(AclError):  # the load's own failure is what matters
                acl.aclmdlBundleUnload(bundle[0])
        raise
    stack.callback(acl.aclmdlBundleUnload, bundle[0])
    count = ffi.new("size_t *")
    acl.aclmdlBundleGetModelNum(bundle[0], count)
    models = []
    for index in range(count[0]):
        model = ffi.new("uint32_t *")
        acl.aclmdlBundleGetModelId(bundle[0], index, model)
        models.append(int(model[0]))
    return Loaded(models, None, partial(_again, bundle[0]))


def _again(bundle: int, stack: ExitStack, index: int) -> int:
    """Load a graph of a bundle once more (facts 1.7)."""
    model = ffi.new("uint32_t *")
    acl.aclmdlBundleLoadModel(bundle, index, model)
    if has("aclmdlBundleUnloadModel"):
        stack.callback(acl.aclmdlBundleUnloadModel, bundle, model[0])
    return int(model[0])


def _single(stack: ExitStack, source: Source, file: om.Single) -> Loaded:
    """Load a plain model file; once more it is loaded from its mapping."""

    def load(stack: ExitStack, from_path: bool) -> int:
        model = ffi.new("uint32_t *")
        if from_path and isinstance(source, str | os.PathLike):
            acl.aclmdlLoadFromFile(os.fsencode(source), model)
        else:
            acl.aclmdlLoadFromMem(_lent(stack, file), len(file.data), model)
        stack.callback(acl.aclmdlUnload, model[0])
        return int(model[0])

    return Loaded([load(stack, True)], None, lambda stack, _: load(stack, False))


def load(stack: ExitStack, source: Source, file: om.Bundle, device: Device, flow: Flow) -> Loaded:
    """Load every graph of a file; the stack gives them back.

    The device's context is current.

    Raises:
        AclError: The library refused the file, or the device has no room.
    """
    chosen = choose(flow, file)
    if isinstance(file, om.Single):
        return _single(stack, source, file)
    if chosen == "owned":
        return _owned(stack, source, file, device)
    return _library(stack, source, file)
