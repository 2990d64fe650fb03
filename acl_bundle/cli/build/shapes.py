"""Shapes as ATC's options write them."""

from __future__ import annotations

from acl_bundle.build._onnx.load import Source, load
from acl_bundle.build._shapes import shapes
from acl_bundle.build._shapes.gears import DimGears
from acl_bundle.build.chip.options import dim_gears


def input_shapes(text: str) -> dict[str, list[int]] | None:
    """Read "x:1,3;y:2".

    Raises:
        ValueError: It is of another form.
    """
    found: dict[str, list[int]] = {}
    for part in filter(None, text.split(";")):
        name, colon, dims = part.rpartition(":")
        if not colon:
            raise ValueError(f"--input-shape has {part!r}; name:dim,dim is right, with ; between")
        found[name] = numbers("--input-shape", dims)
    return found or None


def batches(text: str) -> list[int] | None:
    """Read "1,2,4" of ``--dynamic-batch``.

    Raises:
        ValueError: It is of another form.
    """
    return numbers("--dynamic-batch", text) if text else None


def sizes(text: str) -> list[tuple[int, int]] | None:
    """Read "224,224;448,448" of ``--dynamic-hw``.

    Raises:
        ValueError: It is of another form.
    """
    found = rows("--dynamic-hw", text)
    wrong = [one for one in found if len(one) != 2]
    if wrong:
        raise ValueError(f"--dynamic-hw has {','.join(map(str, wrong[0]))}; height,width is right")
    return [(one[0], one[1]) for one in found] or None


def dims(text: str, model: Source, pinned: dict[str, list[int]] | None) -> DimGears | None:
    """Read "1,64;4,128" of ``--dynamic-dims``: in each gear, all open dims of all inputs.

    Raises:
        ValueError: It is of another form, or does not fit the model.
        OSError: The model cannot be read.
    """
    found = rows("--dynamic-dims", text)
    if not found:
        return None
    graph = load(model).model.graph
    shapes.pin(graph, pinned, leave_open=True)
    return dim_gears(graph, found, "--dynamic-dims")


def rows(option: str, text: str) -> list[tuple[int, ...]]:
    """Read lists of numbers with ; between.

    Raises:
        ValueError: It is of another form.
    """
    return [tuple(numbers(option, one)) for one in filter(None, text.split(";"))]


def numbers(option: str, text: str) -> list[int]:
    """Read numbers with commas between.

    Raises:
        ValueError: One is none.
    """
    try:
        return [int(one) for one in text.split(",") if one.strip()]
    except ValueError:
        raise ValueError(f"{option} has {text!r}; numbers with commas between are right") from None
