"""Torch's exporter, told to leave every parameter as it is.

The exporter's own optimiser merges and folds parameters, so it stays off. What
the exporter says to its own developers is not passed on.
"""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from acl_bundle._base.extra import need
from acl_bundle.errors import UnsupportedError

_OF_RNNS = r"The tensor attributes? self\.(.*\.)?_flat_weights"  # which torch itself puts back


class Inputs(NamedTuple):
    """What ``forward`` is called with."""

    positional: tuple[Any, ...]
    named: dict[str, Any]


def inputs_of(example: object, module: Any, torch: Any) -> Inputs:
    """Return the arguments that example inputs stand for, on the module's device.

    Args:
        example: A tensor or array, a tuple or list of arguments, or a mapping
            of names to arguments.
        module: Where they go.
        torch: The library.
    """
    devices = {one.device for one in (*module.parameters(), *module.buffers())}
    device = devices.pop() if len(devices) == 1 else None

    def placed(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(value.copy())
        if isinstance(value, torch.Tensor):
            value = value.detach()
            return value if device is None else value.to(device)
        return value

    moved = torch.utils._pytree.tree_map(placed, example)
    if isinstance(example, Mapping):
        return Inputs((), dict(moved))
    if isinstance(example, tuple | list):
        return Inputs(tuple(moved), {})
    return Inputs((moved,), {})


def export(
    module: Any, inputs: Inputs, dynamic: Mapping[str, Sequence[int]] | None, torch: Any
) -> Any:
    """Return torch's ``ONNXProgram`` of a module, its parameters neither merged nor folded.

    Args:
        module: In evaluation mode, without wrappers.
        inputs: What to call it with.
        dynamic: The axes of each input that stay open.
        torch: The library.

    Raises:
        UnsupportedError: The exporter does not take the module, or needs a
            library that is not here.
    """
    need("onnxscript", "torch", "build.from_torch")
    shapes = _dynamic_shapes(module, inputs, dynamic, torch)
    try:
        with _quiet():
            return torch.onnx.export(
                module,
                inputs.positional,
                kwargs=inputs.named,
                dynamic_shapes=shapes,
                dynamo=True,
                optimize=False,
                verbose=False,
            )
    except Exception as error:  # its exceptions share no public base class
        raise UnsupportedError(
            f"torch.onnx.export cannot export {type(module).__name__}: {_reason(error)}"
        ) from error


def _dynamic_shapes(
    module: Any, inputs: Inputs, dynamic: Mapping[str, Sequence[int]] | None, torch: Any
) -> dict[str, Any] | None:
    if dynamic is None:
        return None
    bound = inspect.signature(module.forward).bind(*inputs.positional, **inputs.named).arguments
    for name, axes in dynamic.items():
        value = bound.get(name)
        if not isinstance(value, torch.Tensor):
            given = ", ".join(map(repr, bound))
            raise ValueError(f"dynamic names {name!r}; the tensors given are among {given}")
        wrong = [axis for axis in axes if not 0 <= axis < value.ndim]
        if wrong:
            raise ValueError(
                f"dynamic says axis {wrong[0]} of {name!r}, whose shape is {tuple(value.shape)}"
            )
    free = torch.export.Dim.DYNAMIC
    return {name: dict.fromkeys(dynamic[name], free) if name in dynamic else None for name in bound}


def _reason(error: BaseException) -> str:
    """The first cause, in one line: what torch writes around it is advice for its developers."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines() or ["no reason given"]
    return f"{type(error).__name__}: {lines[0]}"


@contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.filterwarnings("ignore", _OF_RNNS, UserWarning)
            yield
    finally:
        logger.setLevel(level)
