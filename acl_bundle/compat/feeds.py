"""What is given to a session: counts, lists, and how a file's images are prepared."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from configparser import ConfigParser, Error
from functools import cached_property
from typing import Any, SupportsIndex

from numpy.typing import NDArray

from acl_bundle import aipp
from acl_bundle._base.arrays import whole
from acl_bundle.graph import Graph
from acl_bundle.spec import TensorSpec

__all__ = ["Images", "listed", "times"]

_EXTRA = "ascend_dynamic_aipp_data"
_SWITCHES = ("rbuv_swap_switch", "ax_swap_switch", "csc_switch", "crop", "padding")
_FLOATS = ("min_chn_", "var_reci_chn_")
_NEEDED = ("input_format", "src_image_size_w", "src_image_size_h")
_CSC = (
    *(f"matrix_r{row}c{column}" for row in range(3) for column in range(3)),
    *(f"{kind}_bias_{i}" for kind in ("output", "input") for i in range(3)),
)
_READ = (
    *_NEEDED, *_SWITCHES, *_CSC, "load_start_pos_w", "load_start_pos_h", "crop_size_w",
    "crop_size_h", *(f"{edge}_padding_size" for edge in ("top", "bottom", "left", "right")),
    *(f"{name}{i}" for name in ("mean_chn_", *_FLOATS) for i in range(4)),
)  # fmt: skip
Array = NDArray[Any]


class Images:
    """A session's inputs, without the one that says how images are prepared (dynamic AIPP)."""

    _graph: Graph
    _prepare: Array | None = None

    @cached_property
    def _inputs(self) -> list[TensorSpec]:
        return [spec for spec in self._graph.inputs if spec.name != _EXTRA]

    @cached_property
    def _extra(self) -> TensorSpec | None:
        return next((spec for spec in self._graph.inputs if spec.name == _EXTRA), None)

    def _complete(self, given: Sequence[Any]) -> list[Any]:
        """What the graph takes: with the parameters of images, where it asks for them.

        Raises:
            ValueError: They were not loaded.
        """
        if self._extra is None:
            return [*given]
        if self._prepare is None:
            raise ValueError(
                "the file has dynamic AIPP; load_aipp_config_file says how images are prepared"
            )
        rest = iter(given)
        return [self._prepare if spec.name == _EXTRA else next(rest) for spec in self._graph.inputs]

    def get_dym_aipp_input_exist(self) -> int:
        """Return how many inputs have dynamic AIPP."""
        return int(self._extra is not None)

    def check_dym_aipp_input_exist(self) -> None:
        """Do nothing if the file has dynamic AIPP.

        Raises:
            ValueError: It has none.
        """
        if self._extra is None:
            raise ValueError("the file has no dynamic AIPP: build it with aipp_mode dynamic")

    def load_aipp_config_file(
        self, config_file: str | os.PathLike[str], batchsize: SupportsIndex
    ) -> None:
        """Say how images are prepared in the runs that follow.

        Args:
            config_file: Its section ``[aipp_op]`` has the fields of static AIPP, 0 or 1 for
                switches. As in ais_bench, ``matrix_...``, ``..._bias_...`` and ``var_reci_chn_...``
                are 0 where they are left out.
            batchsize: How many images a run has.

        Raises:
            ValueError: The file has no dynamic AIPP, or another batch; a field is missing or
                wrong. It names the field.
            TypeError: `batchsize` is no int.
            OSError: `config_file` cannot be read.
        """
        self.check_dym_aipp_input_exist()
        extra, images = self._extra, times(batchsize, "batchsize")
        try:
            made = aipp.parameters(_fields(config_file), batch=images)
        except ValueError as error:
            raise ValueError(f"{os.fspath(config_file)}: {error}") from None
        if extra is None or made.size != extra.shape[0]:
            batch = 0 if extra is None else (extra.shape[0] - 64) // 96
            raise ValueError(f"batchsize is {images}; the file's inputs have {batch} images")
        self._prepare = made


def _fields(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The fields of static AIPP that a file has.

    Raises:
        ValueError: It has another form, a field is unknown, or no number where one is right.
        OSError: It cannot be read.
    """
    parser = ConfigParser(interpolation=None)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        section = dict(parser["aipp_op"])
    except KeyError:
        raise ValueError("there is no section [aipp_op]") from None
    except (Error, UnicodeDecodeError) as error:
        raise ValueError(f"this is no file with a section [aipp_op]: {error}") from None
    for name in _NEEDED:
        if name not in section:
            raise ValueError(f"{name} is missing")
    for name in section:
        if name not in _READ:
            raise ValueError(f"{name} is no field of it; it has {', '.join(_READ)}")
    found = {name: _value(name, text) for name, text in section.items()}
    if found.get("csc_switch"):
        found = {**dict.fromkeys(_CSC, 0), **found}
    if found.get("crop"):
        for name in ("crop_size_w", "crop_size_h"):
            if not found.get(name):
                raise ValueError(f"{name} is missing, and crop is 1")
    return {**{f"var_reci_chn_{i}": 0.0 for i in range(4)}, **found}


def _value(name: str, text: str) -> Any:
    if name == "input_format":
        return text
    try:
        found: float = float(text) if name.startswith(_FLOATS) else int(text)
    except ValueError:
        kind = "a number" if name.startswith(_FLOATS) else "an integer"
        raise ValueError(f"{name} is {text!r}; {kind} is right") from None
    if name not in _SWITCHES:
        return found
    if found not in (0, 1):
        raise ValueError(f"{name} is {text}; 0 or 1 is right")
    return bool(found)


def times(given: SupportsIndex, name: str) -> int:
    """Return how often to do something, or how many there are.

    Raises:
        TypeError: It is no int.
        ValueError: It is less than 1, or no number of C's int.
    """
    found = whole(given, f"{name} is an int")
    if not 0 < found < 2**31:
        raise ValueError(f"{name} is {found}; give 1 to 2147483647")
    return found


def listed(given: Any, name: str) -> list[Any]:
    """Return a list, or what is gone through as one.

    Raises:
        TypeError: It is none.
    """
    if isinstance(given, str | bytes | bytearray | Mapping) or not hasattr(given, "__len__"):
        raise TypeError(f"{name} is {given!r}; give a list")
    try:
        return list(given)
    except TypeError as error:  # numpy's array of rank 0 has a length that it has not
        raise TypeError(f"{name} is {given!r}; give a list") from error
