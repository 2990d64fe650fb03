"""A bundle, or a plain model, on the library that runs it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acl_bundle.answers.side import Array, Arrays, Side, timed
from acl_bundle.answers.where import inferring, use
from acl_bundle.bundle import Bundle
from acl_bundle.errors import RoleError, UnsupportedError, WeightError
from acl_bundle.graph import Graph


@dataclass(frozen=True)
class OmOptions:
    """How a bundle is run.

    Attributes:
        weights: What goes into it before it runs, by name; None for the file's own.
        weights_label: Where they come from, for messages.
        graph: Which graph, by name or index; "" for the one that infers.
        device: Index of the device.
    """

    weights: Mapping[str, Any] | None = None
    weights_label: str = ""
    graph: str = ""
    device: int = 0


class OmSide(Side):
    """A loaded bundle whose weights have values."""

    def __init__(self, path: Path, options: OmOptions, stack: ExitStack) -> None:
        """Load the file and give the weights their values; the stack closes it.

        What was built for the fake runs on the fake, unless $ACL_BUNDLE_LIBRARY is set.

        Raises:
            BundleFormatError: It is no .om file, or damaged.
            OSError: It cannot be read.
            LibraryNotFoundError: It needs a device, and there is no library.
            RoleError: It has no such graph, or that one writes the weights.
            WeightError: The weights do not fit, or some would have no value.
            UnsupportedError: Another library is open in this process.
            AclError: A call into the library failed.
        """
        try:
            where = use(for_chip=inferring(path).is_compiled_for_chip)
        except RuntimeError as error:
            raise UnsupportedError(f"{path} cannot be run beside the other: {error}") from error
        label = f"{path} with {options.weights_label}" if options.weights_label else str(path)
        super().__init__(label, str(where), ())
        self.is_fake = where.is_fake
        with timed(self.times, "load"):
            self._bundle = stack.enter_context(Bundle.load(path, device=options.device))
        self._fill(path, options)
        self._graph = _graph(self._bundle, options.graph)
        self.inputs = self._graph.inputs
        self.batches = self._graph.batches

    def _fill(self, path: Path, options: OmOptions) -> None:
        """Give the weights the file's values, then those that were given."""
        bundle, new = self._bundle, options.weights
        roles = {graph.role for graph in bundle.graphs}
        if "init" in roles:
            with timed(self.times, "init"):
                bundle.init()
        if new is not None:
            with timed(self.times, "update"):
                kept = bundle.update(new).kept
        elif "update" in roles and "init" not in roles:
            kept = tuple(bundle.weights)
        else:
            return
        if kept and "init" not in roles:
            raise WeightError(
                f"{path} has no init graph, so {len(kept)} of its weights have no values yet:"
                f" {', '.join(map(repr, list(kept)[:5]))}; give all of them"
            )

    def run(self, given: Mapping[str, Array], /) -> Arrays:
        """Run once, from arrays to arrays.

        Raises:
            ValueError: An input is missing, unknown, or of another dtype or shape.
            WeightError: Weights have no values, and no graph of the file gives them any.
            AclBundleError: As `Graph.run`.
        """
        try:
            with warnings.catch_warnings(), timed(self.times, "run"):
                warnings.filterwarnings("error", "inference before", RuntimeWarning)
                found = self._graph.run(given)
        except RuntimeWarning as error:  # whatever the memory held is no answer
            raise WeightError(f"{self.label}: {error}") from error
        except TypeError as error:  # another dtype: here it came from a file
            raise ValueError(f"{self.label}: {error}") from error
        self.version = found.version
        return dict(found)


def _graph(bundle: Bundle, wanted: str) -> Graph:
    if not wanted:
        return bundle.infer
    for graph in bundle.graphs:
        if wanted in (graph.name, str(graph.index)):
            if graph.role in ("init", "update"):
                raise RoleError(f"{graph.label} gives weights their values; one that infers is run")
            return graph
    has = ", ".join(f"{graph.index} {graph.name!r}" for graph in bundle.graphs)
    raise RoleError(f"there is no graph {wanted!r}; there are {has}")
