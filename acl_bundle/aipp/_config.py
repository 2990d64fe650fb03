"""A configuration, read and checked: every field there, each in its range."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeGuard

from acl_bundle.aipp import _fields
from acl_bundle.aipp._fields import FIELDS, Field, Value
from acl_bundle.aipp._text import parse

AippSource: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | Sequence[Mapping[str, Any]]"
"""ATC's text, a path of it, a mapping with the same names, or one for each input."""

_UNSUPPORTED: Final = {
    "resize": "no chip's AIPP scales images",
    "single_line_mode": "reading line by line is not simulated",
    "support_rotation": "no chip's AIPP rotates images",
}


@dataclass(frozen=True)
class AippConfig(Mapping[str, Value]):
    """The AIPP of one input: a mapping with all fields of ATC's, defaults filled in.

    Attributes:
        fields: The same.
    """

    fields: Mapping[str, Value]

    def __getitem__(self, name: str) -> Value:
        return self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return AippConfig, (dict(self.fields),)  # what fields is cannot be pickled

    def __len__(self) -> int:
        return len(self.fields)

    @property
    def is_dynamic(self) -> bool:
        """Whether what AIPP does is told at run time."""
        return self["aipp_mode"] == "dynamic"

    def number(self, name: str) -> int:
        """Return a field that is an integer, or a switch as 0 or 1."""
        return int(self[name])

    def text(self) -> str:
        """Return ATC's text of it, without what is the same where it is left out."""
        csc = (*_fields.MATRIX, *_fields.OUTPUT_BIAS, *_fields.INPUT_BIAS)
        said = csc if self["csc_switch"] else ()  # ATC has defaults of its own there
        kept = {
            name: value
            for name, value in self.fields.items()
            if name in said or value != FIELDS[name].default
        }
        lines = (f"    {name}: {_said(name, value)}\n" for name, value in kept.items())
        return f"aipp_op {{\n{''.join(lines)}}}\n"


def read(source: AippSource, *, mode: str | None = None) -> tuple[AippConfig, ...]:
    """Read and check configurations.

    Args:
        source: As `AippSource` says; a text is a `str` with a brace, or that begins with
            ``[aipp_op]``.
        mode: Which ``aipp_mode`` holds where none is given; None: it must be given.

    Raises:
        ValueError: A field is none of AIPP's, is given twice, has a wrong value, or fields
            contradict each other.
        TypeError: The source, or a value, is of another type.
        OSError: The file cannot be read.
    """
    if not _is_path(source):
        return _read(source, mode)
    try:
        return _read(source, mode)
    except ValueError as error:
        raise ValueError(f"{os.fspath(source)}: {error}") from None


def _is_path(source: AippSource) -> TypeGuard[str | os.PathLike[str]]:
    if isinstance(source, str):
        return "{" not in source and not source.lstrip().startswith("[")
    return isinstance(source, os.PathLike)


def _read(source: AippSource, mode: str | None) -> tuple[AippConfig, ...]:
    found = _given(source)
    made = tuple(_checked(one, mode) for one in found)
    if len({one["aipp_mode"] for one in made}) > 1:
        raise ValueError("aipp_mode is static and dynamic; all inputs must have the same")
    places = [one["related_input_name"] or one["related_input_rank"] for one in made]
    for place in places:
        if places.count(place) > 1:
            raise ValueError(f"two aipp_op have the related input {place!r}; each has its own")
    return made


def _given(source: AippSource) -> Sequence[Mapping[str, Any]]:
    if _is_path(source):
        return _of_file(Path(source))
    if isinstance(source, str):
        return parse(source)
    if isinstance(source, Mapping):
        return [source]
    if not isinstance(source, list | tuple) or not all(isinstance(one, Mapping) for one in source):
        raise TypeError(
            f"the AIPP configuration is a {type(source).__name__}; ATC's text, a path of it, a"
            " mapping or a sequence of mappings is right"
        )
    if not source:
        raise ValueError("the AIPP configuration is empty; give a mapping for each input")
    return [*source]


def _of_file(path: Path) -> list[dict[str, Any]]:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"this is no text of an AIPP configuration: {error}") from None


def _checked(given: Mapping[str, Any], mode: str | None) -> AippConfig:
    if isinstance(given, AippConfig):
        return given
    values = {name: _value(name, value) for name, value in given.items()}
    if mode is not None:
        values.setdefault("aipp_mode", mode)
    if not values.get("aipp_mode"):
        raise ValueError("aipp_mode is missing; static or dynamic is right")
    for name, why in _UNSUPPORTED.items():
        if values.get(name):
            raise ValueError(f"{name} is true; false is right: {why}")
    if values["aipp_mode"] == "dynamic":
        _check_dynamic(values)
    else:
        _fill_csc(values)
        _check_static(values)
    return AippConfig(
        MappingProxyType({name: values.get(name, one.default) for name, one in FIELDS.items()})
    )


def _value(name: str, value: Any) -> Value:
    field = FIELDS.get(name)
    if field is None:
        near = get_close_matches(name, FIELDS, 1)
        meant = f"; {near[0]} is near" if near else f"; it has {', '.join(FIELDS)}"
        raise ValueError(f"AIPP has no field {name!r}{meant}")
    if field.kind is bool:
        if value not in (True, False) or isinstance(value, float):
            raise ValueError(f"{name} is {value!r}; true or false is right")
        return bool(value)
    if field.kind is str:
        return _text(name, field, value)
    return _number(name, field, value)


def _text(name: str, field: Field, value: Any) -> str:
    if not isinstance(value, str) or (field.choices and value not in field.choices):
        right = ", ".join(field.choices) or "a name"
        raise ValueError(f"{name} is {value!r}; {right} is right")
    return value


def _number(name: str, field: Field, value: Any) -> int | float:
    try:
        number = value.__index__() if field.kind is int else float(value)
    except (AttributeError, TypeError, ValueError, OverflowError):
        number = None
    if number is None or isinstance(value, bool | str):
        kind = "an integer" if field.kind is int else "a number"
        raise ValueError(f"{name} is {value!r}; {kind} is right")
    if not field.low <= number <= field.high:  # nor NaN
        raise ValueError(f"{name} is {value!r}; {field.low:g} to {field.high:.0f} are right")
    made: int | float = number
    return made


def _check_dynamic(values: Mapping[str, Value]) -> None:
    if not values.get("max_src_image_size"):
        raise ValueError(
            "max_src_image_size is missing; dynamic AIPP needs it: the bytes of the largest batch"
            " of images, such as 3 * width * height * batch for RGB888_U8"
        )
    for name in values:
        if name not in _fields.DYNAMIC:
            raise ValueError(
                f"{name} is given, and aipp_mode is dynamic; then it is told at run time"
                " (aclmdlSetAIPP...), and must be left out here"
            )


def _fill_csc(values: dict[str, Value]) -> None:
    if not values.get("csc_switch"):
        return
    yuv = values.get("input_format") == "YUV420SP_U8"
    rows = _fields.YUV_TO_RGB if yuv else _fields.RGB_TO_YUV
    defaults = zip(_fields.MATRIX, rows, strict=True)
    biases = zip((*_fields.OUTPUT_BIAS, *_fields.INPUT_BIAS), _fields.BIAS * 2, strict=True)
    for name, value in (*defaults, *biases):
        values.setdefault(name, value)


def _check_static(values: Mapping[str, Value]) -> None:
    layout = values.get("input_format")
    if layout not in _fields.READABLE:
        right = ", ".join(_fields.READABLE)
        what = f"is {layout}" if layout else "is missing"
        raise ValueError(f"input_format {what}; {right} is right: the chips of today read these")
    if values.get("max_src_image_size"):
        raise ValueError("max_src_image_size is given, and aipp_mode is static; leave it out")
    if layout == "YUV400_U8" and values.get("csc_switch"):
        raise ValueError("csc_switch is true, and YUV400_U8 has no colours; false is right")
    if values.get("ax_swap_switch") and layout != "XRGB8888_U8":
        raise ValueError(
            f"ax_swap_switch is true, and input_format {layout}; only XRGB8888_U8 has a fourth"
            " channel to swap"
        )
    for name in ("src_image_size_w", "src_image_size_h"):
        if values.get(name) == 1:
            raise ValueError(f"{name} is 1; 0 for the model's, or 2 to 4096 are right")
    if layout == "YUV420SP_U8":
        _check_even(values, "src_image_size_w", "src_image_size_h")
        if values.get("crop"):
            _check_even(
                values, "load_start_pos_w", "load_start_pos_h", "crop_size_w", "crop_size_h"
            )


def _check_even(values: Mapping[str, Value], *names: str) -> None:
    for name in names:
        value = values.get(name, 0)
        if int(value) % 2:
            raise ValueError(f"{name} is {value}; with YUV420SP_U8 it must be even")


def _said(name: str, value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and name == "related_input_name":
        return f'"{value}"'
    return str(value)
