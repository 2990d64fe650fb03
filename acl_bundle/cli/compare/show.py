"""A comparison as tables, and as data."""

from __future__ import annotations

from typing import Any

from acl_bundle.cli.shell import output
from acl_bundle.compare import ComparedElement, ComparedOutput, Comparison

Row = dict[str, Any]


def show(found: Comparison) -> None:
    """Print the title, a row for each output, and the worst elements of those that differ."""
    output.table(found.title, [_row(row) for row in found])
    worst = [
        {"name": _name(row), **_element(one)}
        for row in found
        if row.result == "beyond"
        for one in row.worst
    ]
    if worst:
        output.table("the worst elements", worst)


def data(found: Comparison) -> Row:
    """Return all that is known, for JSON."""
    return {
        "title": found.title,
        "within": found.within,
        "rtol": found.tolerance.rtol,
        "atol": found.tolerance.atol,
        "outputs": [
            {**row._asdict(), "worst": [_plain(one._asdict()) for one in row.worst]}
            for row in found
        ],
    }


def _name(row: ComparedOutput) -> str:
    return row.name if row.name == row.name_b else f"{row.name} = {row.name_b}"


def _row(row: ComparedOutput) -> Row:
    sides = dict.fromkeys(str(side) for side in (row.a, row.b) if side is not None)
    nan = None if row.nan_a is None else row.nan_a + (row.nan_b or 0)
    return {
        "name": _name(row),
        "result": row.result,
        "array": " beside ".join(sides),
        "differing": row.differing,
        "beyond": row.beyond,
        "max abs": row.max_abs,
        "at": "-" if row.max_abs_at is None else str(list(row.max_abs_at)),
        "max relative": row.max_relative,
        "L2": row.l2,
        "cosine": "-" if row.cosine is None else f"{row.cosine:.8g}",
        "nan": nan,
    }


def _element(one: ComparedElement) -> Row:
    return {
        "at": str(list(one.at)),
        "a": _value(one.a),
        "b": _value(one.b),
        "apart": one.absolute,
        "relative": one.relative,
    }


def _value(value: Any) -> str:
    """A value with all digits that tell it from its neighbours in float32."""
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _plain(values: Row) -> Row:
    return {
        name: str(value) if isinstance(value, complex) else value for name, value in values.items()
    }
