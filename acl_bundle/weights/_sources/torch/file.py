"""Torch's files: a ``state_dict``, or a checkpoint that has one inside.

Only what `torch.load(weights_only=True, mmap=True)` takes is read: tensors in
plain containers, never a pickled object, from the ZIP format that torch has
written since 1.6. The archive is checked before torch sees it. Values are
views of torch's mapping.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Mapping
from typing import Any

import ml_dtypes

from acl_bundle._base.extra import need
from acl_bundle._base.files import Path_
from acl_bundle.weights._base.file import bad, map_file, whole
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array, Spec
from acl_bundle.weights._sources import archive
from acl_bundle.weights._sources.npy import NoNumbersError

_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

# Torch's dtypes that numpy lacks: the integer of the same width, and ml_dtypes' type.
_FOREIGN = {
    "bfloat16": ("int16", "bfloat16"),
    "float8_e4m3fn": ("uint8", "float8_e4m3fn"),
    "float8_e4m3fnuz": ("uint8", "float8_e4m3fnuz"),
    "float8_e5m2": ("uint8", "float8_e5m2"),
    "float8_e5m2fnuz": ("uint8", "float8_e5m2fnuz"),
    "float8_e8m0fnu": ("uint8", "float8_e8m0fnu"),
}


class Torch(Source):
    """The tensors of a torch file."""

    kind = "torch"

    def __init__(self, path: Path_, key: str | None = None) -> None:
        """Load the file's structure; tensors stay mapped.

        Args:
            path: Of the file.
            key: Where in a checkpoint the weights are, such as
                ``"state_dict"``; None when the file is a state dict itself.

        Raises:
            WeightsFormatError: The file is damaged, holds more than tensors in
                plain containers, or has no state dict there.
            UnsupportedError: torch is not installed.
            OSError: The file cannot be opened.
        """
        file = os.fspath(path)
        self._data = map_file(path)
        archive.members(file, self._data)
        torch = need("torch", "torch", "reading a torch file")
        entries = _state(load(torch, file), key, file, torch)
        self._arrays: dict[str, Array] = {}
        skipped = {}
        for name, value in entries.items():
            try:
                self._arrays[name] = array_of(name, value, file, torch)
            except NoNumbersError as reason:
                skipped[name] = str(reason)
        specs = {name: Spec(one.shape, one.dtype) for name, one in self._arrays.items()}
        super().__init__(file, specs, skipped, _tied(self._arrays))

    def _read(self, name: str) -> Array:
        whole(self._data, self.file)
        return self._arrays[name]

    def _release(self) -> None:
        self._arrays, self._data = {}, memoryview(b"")


def _tied(arrays: Mapping[str, Array]) -> dict[str, str]:
    """Return the aliases: names of one and the same stretch of memory."""
    first: dict[object, str] = {}
    found = {}
    for name, array in arrays.items():
        if array.size:
            place = array.__array_interface__["data"][0], array.shape, array.strides, array.dtype
            other = first.setdefault(place, name)
            if other != name:
                found[name] = other
    return found


def load(torch: Any, file: str, data: io.BytesIO | None = None) -> object:
    """Load a file, or the part of it that ``data`` has, and never run what it holds.

    Raises:
        WeightsFormatError: torch refuses it.
        OSError: It cannot be opened.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's about its own storages
            if data is not None:
                return torch.load(data, map_location="cpu", weights_only=True)
            return torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except OSError:
        raise
    except Exception as error:  # whatever torch's reader and unpickler raise
        raise bad(
            file,
            f"torch.load(weights_only=True) refuses it: {_reason(error)}. Save the weights"
            f" alone: torch.save(model.state_dict(), path){_allow(torch, file)}",
        ) from error


def _allow(torch: Any, file: str) -> str:
    """Say how to let in what a file holds beside tensors; nothing where that is not what it is."""
    try:  # reads the pickle and runs nothing; torch has it since 2.6
        wanted = torch.serialization.get_unsafe_globals_in_checkpoint(file)
    except Exception:  # the same as before, of a file that is damaged as well
        return ""
    if not wanted:
        return ""
    names = ", ".join(sorted(wanted))
    return (
        f"; or, if you trust it, torch.serialization.add_safe_globals([{names}]) lets in what it"
        " holds beside them"
    )


def _reason(error: Exception) -> str:
    """What torch says, without the advice to trust the file."""
    text = _ESCAPE.sub("", str(error)).rpartition("WeightsUnpickler error:")[2]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if "Unsupported" in line]
    first, *_ = (told or lines or ["no reason given"])[0].split(". ")
    return f"{type(error).__name__}: {first[:200]}"


def _state(loaded: object, key: str | None, file: str, torch: Any) -> Mapping[str, Any]:
    """Find the state dict."""
    found = _at(loaded, key) if key else loaded
    if found is None:
        raise bad(file, f"there is no {key!r} in it{_keys(loaded, torch)}")
    if not isinstance(found, Mapping):
        raise bad(
            file, f"it holds a {type(found).__name__}, where a state dict (name to tensor) is right"
        )
    odd = [name for name in found if not isinstance(name, str)]
    if odd:
        raise bad(file, f"a key is {odd[0]!r}, where names are right{_keys(found, torch)}")
    if not any(isinstance(value, torch.Tensor) for value in found.values()):
        raise bad(file, f"no tensor stands at its top{_keys(found, torch)}")
    return found


def _at(loaded: object, key: str) -> object:
    """Follow a dotted path, in which a key may have dots itself; None leads nowhere."""
    if not isinstance(loaded, Mapping):
        return None
    if key in loaded:
        return loaded[key]
    dots = [at for at, one in enumerate(key) if one == "."]
    found = (_at(loaded[key[:at]], key[at + 1 :]) for at in dots if key[:at] in loaded)
    return next((one for one in found if one is not None), None)


def _keys(loaded: object, torch: Any) -> str:
    """Name the keys that would lead to a state dict."""
    entries = loaded.items() if isinstance(loaded, Mapping) else ()
    keys = [repr(name) for name, value in entries if _is_state(value, torch)]
    return f"; say where it is: key={' or '.join(keys)}" if keys else "; a state dict is right"


def _is_state(value: object, torch: Any) -> bool:
    return isinstance(value, Mapping) and any(
        isinstance(one, torch.Tensor) for one in value.values()
    )


def _why_not(name: str, value: object, torch: Any) -> str:
    """Say why an entry is no weight; one that holds weights may be what was meant."""
    kind = type(value).__name__
    if _is_state(value, torch):
        return f"a {kind} of tensors; open the file with key={name!r}"
    return f"a {kind} is no tensor"


def array_of(name: str, tensor: Any, file: str, torch: Any) -> Array:
    """Return a tensor's values, not copied.

    Args:
        name: Of the weight, for messages.
        tensor: What stands under the name.
        file: Where, for messages.
        torch: The module.

    Raises:
        NoNumbersError: It is no tensor, or no array can be it.
        WeightsFormatError: It is sparse, quantized or without values.
    """
    if not isinstance(tensor, torch.Tensor):
        raise NoNumbersError(_why_not(name, tensor, torch))
    place = f"{file}: {name!r}"
    kind = "quantized" if tensor.is_quantized else "meta" if tensor.is_meta else tensor.layout
    if kind is not torch.strided:
        raise bad(place, f"the tensor is {kind} ({tensor.dtype}); a dense one with values is right")
    plain = tensor.detach().resolve_conj().resolve_neg()
    foreign = _FOREIGN.get(str(tensor.dtype).removeprefix("torch."))
    try:
        if foreign is None:
            array: Array = plain.numpy()
        else:
            bits: Array = plain.view(getattr(torch, foreign[0])).numpy()
            array = bits.view(getattr(ml_dtypes, foreign[1]))
    except (TypeError, RuntimeError, AttributeError) as error:
        raise NoNumbersError(f"no array is of {tensor.dtype}: {error}") from None
    return array
