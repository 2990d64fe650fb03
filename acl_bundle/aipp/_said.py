"""What a file says of AIPP, as ATC's text would say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acl_bundle.aipp import _fields


def said(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file keeps of a configuration, as far as it differs from ATC's defaults.

    Args:
        kept: The fields of a data node's attribute "aipp", where mode and format are numbers.

    Returns:
        ``aipp_mode`` and ``input_format``, "" where the format is told at run time, then the other
        fields in ATC's order. Fields that are none of ATC's are left as they are.
    """
    formats: dict[Any, str] = {number: name for name, number in _fields.FORMATS.items()}
    mode: Any = kept.get("aipp_mode")
    layout: Any = kept.get("input_format")
    modes: dict[Any, str] = {1: "static", 2: "dynamic"}
    found = {
        "aipp_mode": modes.get(mode, mode),
        "input_format": formats.get(layout, layout or ""),
    }
    rest = {name: kept[name] for name in sorted(kept, key=_place) if name not in found}
    return found | {
        name: value
        for name, value in rest.items()
        if name not in _fields.FIELDS or value != _fields.FIELDS[name].default
    }


def _place(name: str) -> int:
    return [*_fields.FIELDS].index(name) if name in _fields.FIELDS else len(_fields.FIELDS)
