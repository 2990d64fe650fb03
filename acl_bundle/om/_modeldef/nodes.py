"""What a definition's nodes say of weights: names, shapes, offsets; many graphs say the same."""

from __future__ import annotations

from typing import NamedTuple

from acl_bundle._acl import ffi, lib
from acl_bundle.om._bytes import objects
from acl_bundle.om._modeldef.tables import Tables


class Told(NamedTuple):
    """What the nodes of one kind say of weights, in the order of their rows.

    Attributes:
        names: What the weights are called: the nodes' names, without an end.
        shapes: Their dims as the author wrote them, None where these are open or not told.
        offsets: Where they start in the variables' memory, None where it is not told; empty
            where none is.
    """

    names: list[str]
    shapes: list[tuple[int, ...] | None]
    offsets: list[int | None]


class Nodes:
    """The nodes of one kind that speak of weights."""

    def __init__(self, tables: Tables, kind: int, cut: int) -> None:
        """Look at the nodes of a kind.

        Args:
            tables: Whose nodes.
            kind: Which.
            cut: So many bytes at the end of each name do not count; they are there, and ASCII.
        """
        self.tables: Tables = tables
        self._kind, self._cut = kind, cut
        self._view = ffi.from_buffer(tables.span.view)
        self._of = ffi.new("ab_nodes *", (self._view, tables.made, kind, cut))

    def agree(self, others: Nodes) -> bool:
        """Whether they say the same as others, and no offset that those do not say.

        False may also mean that one of them does not say a whole shape.
        """
        return bool(lib.ab_tables_agree(self._of, others._of))

    @property
    def told(self) -> Told:
        """What they say.

        Raises:
            BundleFormatError: A long name is not UTF-8.
        """
        tables = self.tables
        try:
            names, shapes, offsets, rest = objects.weights(
                objects.address(self._view), objects.address(tables.made), self._kind, self._cut
            )
        except UnicodeDecodeError as error:
            why = f"a name of {len(error.object)} bytes is not UTF-8"
            raise tables.span.error(0, why) from None
        if rest:
            which, rows = zip(*rest, strict=True)
            for index, shape in zip(which, tables.stored(tables.tensors[[*rows]]), strict=True):
                shapes[index] = shape
        return Told(names, shapes, offsets)

    @property
    def dtypes(self) -> list[int | None]:
        """The ``aclDataType`` of each, None where its tensor is not described."""
        rows = self.tables.nodes["tensor"][self.tables.nodes["kind"] == self._kind]
        known = iter(self.tables.dtypes(self.tables.tensors[rows[rows != 0] - 1]))
        return [next(known) if row else None for row in rows.tolist()]
