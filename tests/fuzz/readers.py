"""One damaged file for `om` and the readers of weights: a documented exception, or an answer."""

from __future__ import annotations

import itertools
from contextlib import suppress
from pathlib import Path

from fuzzing import bounded, instrumented, main

with instrumented():
    from acl_bundle import om, weights

from acl_bundle.errors import AclBundleError


def read_om(data: bytes) -> None:
    """Ask for everything that a compiled file may hold."""
    opened = om.open(data)
    for model in opened.models if isinstance(opened, om.Bundle) else (opened,):
        _ = model.inputs, model.outputs, model.gears, model.weights
        for node in itertools.chain(*(graph.nodes for graph in model.graphs)):
            _ = dict(node.attrs), node.inputs, node.subgraphs, node.sources
            for desc in (*node.input_descs, *node.output_descs):
                _ = desc.shape, desc.origin_shape, desc.ranges, dict(desc.attrs)
    if isinstance(opened, om.Bundle):
        _ = opened.has_external_weights, opened.roles, opened.variables


def read_weights(path: Path) -> None:
    """Read each value of a file, whatever kind it seems to be."""
    with weights.open(path) as source:
        for name in itertools.islice(source, 64):
            if source.spec(name).nbytes < 1 << 20:
                _ = source[name]


def one(data: bytes, path: Path) -> None:
    """Both readers on one file."""
    path.unlink(missing_ok=True)  # a file that is mapped may not be cut short
    path.write_bytes(data)
    with bounded(len(data)):
        with suppress(AclBundleError):
            read_om(data)
        with suppress(AclBundleError):
            read_weights(path)


if __name__ == "__main__":
    with suppress(ImportError):
        import torch  # noqa: F401  takes memory, which is no file's
    main("readers", one)
