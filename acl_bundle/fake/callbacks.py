"""Models that a Python function computes: callback programs.

A callback program has no graph. Its file holds a number, and the fake asks
the function that this process registered under the number. So such a file is
good for any program in this process, Python or not, and worth nothing in
another one.

Functions stay registered while the process lives: a file may be loaded at any
time. One C callback serves all of them; it is handed the number.
"""

from __future__ import annotations

import ctypes
import inspect
import secrets
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acl_bundle import dtypes
from acl_bundle.fake import _library

if TYPE_CHECKING:
    from acl_bundle.build import Bundle

Array = NDArray[Any]
Function = Callable[..., Mapping[str, ArrayLike]]

_SUFFIX = "_var"  # a variable is called <weight>_var


class _Tensor(ctypes.Structure):
    """AclFakeTensor of ``fakes/aclfake.h``."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("data_type", ctypes.c_int),
        ("dim_count", ctypes.c_size_t),
        ("dims", ctypes.POINTER(ctypes.c_int64)),
    ]


_TENSORS = (ctypes.POINTER(_Tensor), ctypes.c_size_t)
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    *_TENSORS * 3,
    ctypes.POINTER(ctypes.c_char),
    ctypes.c_size_t,
)


@dataclass(frozen=True)
class _Program:
    """A function, and what messages call it."""

    function: Function
    name: str


_programs: dict[int, _Program] = {}


def from_function(
    function: Function,
    *,
    inputs: Mapping[str, ArrayLike],
    weights: Mapping[str, ArrayLike] | None = None,
    init: bool = True,
) -> Bundle:
    """Build a bundle whose inference graph is a Python function.

    The function is called by keyword with one array per input and weight, all
    of them copies that it may keep, and returns a mapping of output names to
    arrays. It is called once here, with ``inputs`` and ``weights`` as they
    are: what it returns decides the outputs' names, dtypes and shapes, and
    every later call must return the same. It runs on the thread that executes
    the model, with the GIL; an exception fails the execution (507011) and its
    text is the error's detail.

    Args:
        function: Its parameters are named like the inputs and weights.
        inputs: An array of the right dtype and shape for each input; zeros do.
        weights: First values, which the init graph writes and updates change.
        init: Whether the bundle has an init graph.

    Returns:
        A bundle to save. The function is kept as long as the process lives.

    Raises:
        TypeError: The parameters are not the inputs and weights, or the
            function does not return a mapping.
        ValueError: A name, dtype or shape does not fit, or one name is used
            twice. What the function itself raises comes through.
    """
    from acl_bundle import build  # noqa: PLC0415  needs onnx, which this module does without

    given = {name: np.asarray(value) for name, value in inputs.items()}
    first = {name: np.asarray(value) for name, value in (weights or {}).items()}
    program = _Program(function, _name(function))
    _check_parameters(program, given, first)
    made = _call(program, {**given, **first}, copy=True)
    number = secrets.randbits(63) | 1  # of no other process: a stray file is told apart
    bundle = build.callback(number, _ends(given), _ends(made), weights=first, init=init)
    _register(number)
    _programs[number] = program
    return bundle


def register_all() -> None:
    """Tell the library about every function again; a reset took them back."""
    for number in _programs:
        _register(number)


def _register(number: int) -> None:
    library = _library.opened()
    library.aclfakeCallback.argtypes = [ctypes.c_uint64, _CALLBACK, ctypes.c_void_p]
    _library.check(library.aclfakeCallback(number, _trampoline(), number), f"callback {number}")


@cache
def _trampoline() -> Any:
    """Return the C face of `_answer`, which must live as long as the library."""
    return _CALLBACK(_answer)


def _name(function: Function) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


def _check_parameters(
    program: _Program, inputs: Mapping[str, Array], weights: Mapping[str, Array]
) -> None:
    both = sorted(inputs.keys() & weights.keys())
    if both:
        raise ValueError(f"{both[0]!r} is an input and a weight; each needs a name of its own")
    names = [*inputs, *weights]
    try:
        inspect.signature(program.function).bind(**dict.fromkeys(names))
    except TypeError as error:
        raise TypeError(
            f"{program.name} cannot be called with {', '.join(names) or 'no arguments'}: {error};"
            " its parameters must be named like the inputs and weights"
        ) from None


def _ends(arrays: Mapping[str, Array]) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
    return {name: (array.dtype, array.shape) for name, array in arrays.items()}


def _call(program: _Program, arguments: Mapping[str, Array], *, copy: bool) -> dict[str, Array]:
    given = {name: array.copy() for name, array in arguments.items()} if copy else arguments
    returned = program.function(**given)
    if not isinstance(returned, Mapping):
        raise TypeError(
            f"{program.name} returned {type(returned).__name__}; a mapping of output names to"
            ' arrays is right, such as {"y": y}'
        )
    return {str(name): np.asarray(value) for name, value in returned.items()}


def _answer(
    user: int,
    inputs: Any,
    input_count: int,
    variables: Any,
    variable_count: int,
    outputs: Any,
    output_count: int,
    error: Any,
    error_size: int,
) -> int:
    """Serve one run; an AclFakeFunction. No exception may leave it."""
    try:
        given = {_text(one): _view(one).copy() for one in inputs[:input_count]}
        for one in variables[:variable_count]:
            given[_text(one).removesuffix(_SUFFIX)] = _view(one).copy()
        program = _programs[user]
        _give(program, _call(program, given, copy=False), outputs[:output_count])
    except BaseException as failure:  # C cannot catch it
        _leave(failure, error, error_size)
        return 1
    return 0


def _text(tensor: _Tensor) -> str:
    return bytes(tensor.name).decode("utf-8", "replace")


def _view(tensor: _Tensor) -> Array:
    """Return a tensor's memory as an array; good until the run ends."""
    shape = tuple(tensor.dims[: tensor.dim_count])
    dtype = dtypes.to_numpy(tensor.data_type)
    if not tensor.size:
        return np.empty(shape, dtype)
    memory = (ctypes.c_char * tensor.size).from_address(tensor.data)
    return np.frombuffer(memory, dtype, count=int(np.prod(shape, dtype=np.int64))).reshape(shape)


def _give(program: _Program, made: Mapping[str, Array], outputs: list[_Tensor]) -> None:
    wanted = [_text(one) for one in outputs]
    if made.keys() != set(wanted):
        raise ValueError(
            f"{program.name} returned outputs {sorted(made)}; its model has {sorted(wanted)}"
        )
    for one, name in zip(outputs, wanted, strict=True):
        view = _view(one)
        array = made[name]
        if array.dtype != view.dtype or array.shape != view.shape:
            raise ValueError(
                f"{program.name} returned output {name!r} as {array.dtype}{list(array.shape)};"
                f" its model was built with {view.dtype}{list(view.shape)}"
            )
        view[...] = array


def _leave(failure: BaseException, error: Any, size: int) -> None:
    """Write an exception and where it was raised into a C buffer, cut to its size."""
    text = "".join(traceback.format_exception_only(failure)).strip()
    frames = traceback.extract_tb(failure.__traceback__)
    if frames:
        text += f" ({frames[-1].filename}:{frames[-1].lineno})"
    raw = text.encode("utf-8", "replace")[: max(size - 1, 0)]
    ctypes.memmove(error, raw + b"\0", min(len(raw) + 1, size))
