"""Requests that Serve has joined, as runs of gears, and each one's part of the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acl_bundle._run.run import Outputs
from acl_bundle.fleet._ray.answers import Answer
from acl_bundle.server._batch.rows import Rows


@dataclass(frozen=True, eq=False)
class RowsRequest:
    """A request that may be joined with others.

    Attributes:
        inputs: The arrays by name.
        rows: How many rows each has.
    """

    inputs: Mapping[str, Any]
    rows: int


def total(requests: Sequence[RowsRequest]) -> int:
    """How many rows they have together, which is what Serve bounds a batch by."""
    return sum(one.rows for one in requests)


def run_batch(
    run: Callable[[Mapping[str, Any]], Outputs], rows: Rows, requests: Sequence[RowsRequest]
) -> list[Answer]:
    """Run a batch, as several runs where it has more rows than the largest gear.

    Returns:
        The answer to each request: its own rows, and the version that computed them.
    """
    return [answer for some in _groups(requests, rows.most) for answer in _one_run(run, rows, some)]


def _groups(requests: Sequence[RowsRequest], most: int) -> Iterator[list[RowsRequest]]:
    some: list[RowsRequest] = []
    for one in requests:
        if some and total([*some, one]) > most:
            yield some
            some = []
        some.append(one)
    yield some


def _one_run(
    run: Callable[[Mapping[str, Any]], Outputs], rows: Rows, some: Sequence[RowsRequest]
) -> list[Answer]:
    try:
        outputs = run(rows.join([one.inputs for one in some], total(some)))
    except Exception as error:  # it is of all of them
        return [(False, error)] * len(some)
    found, begin = [], 0
    for one in some:
        cut = Outputs({name: value[begin : begin + one.rows] for name, value in outputs.items()})
        cut.version = outputs.version
        found.append((True, cut))
        begin += one.rows
    return found
