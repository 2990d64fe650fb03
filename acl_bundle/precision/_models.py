"""A model whose weights can be rounded: a bundle as it is, or an ONNX model built as one."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from acl_bundle import bench
from acl_bundle.answers import Where
from acl_bundle.bench.models import MeasuredOnnx
from acl_bundle.bundle import Bundle


def load(stack: ExitStack, path: Path, device: int = 0) -> tuple[Bundle, Where]:
    """Load a model, its weights filled where the file has their values.

    Of an ONNX model every floating-point constant becomes a weight, and open dims stay open.

    Args:
        stack: Closes it.
        path: An .om file, or an ONNX model.
        device: Which device.

    Returns:
        The bundle, and what it runs on: the fake, for what was built for it.

    Raises:
        ValueError, BundleFormatError: It is neither, or cannot be built.
        OSError: It cannot be read.
        AclBundleError: It cannot be loaded.
    """
    model = bench.open(path)
    where = bench.use(model)
    source: Path | bytes = _built(path) if isinstance(model, MeasuredOnnx) else path
    bundle = stack.enter_context(Bundle.load(source, device=device))
    if "init" in {graph.role for graph in bundle.graphs}:
        bundle.init()
    return bundle, where


def _built(path: Path) -> bytes:
    """Build an ONNX model, every floating-point constant as a weight under its own name."""
    from acl_bundle import build  # noqa: PLC0415  needs onnx

    inputs = bench.open(path).inputs.values()
    opened = any(isinstance(dim, str) for dims in inputs for dim in dims)
    return build.from_onnx(path, "all", dynamic_shape=opened, fold=False).to_bytes()
