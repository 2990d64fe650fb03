"""A bundle, from load to close.

1. The file is mapped and taken apart (`om`): is it a bundle (a plain model
   counts as a bundle of one), what are its graphs and weights.
2. The device is initialised, its context made current for the load.
3. The library loads every graph (`_load.flows`): two flows, by where variables live.
4. The library describes each graph; what it takes and gives tells its role.
5. Each graph gets its buffers, datasets and engine; all share one gate.
6. `init` and `update` write the variables, each alone behind the gate.
7. `infer` reads them, any number of times, from any thread.
8. `close` waits for what runs and gives everything back, newest first.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any, SupportsIndex

from acl_bundle import om
from acl_bundle._base.arrays import whole
from acl_bundle._base.owner import uninterrupted
from acl_bundle._base.wait import POLL_MS
from acl_bundle._binding.config import Config
from acl_bundle._load.flows import Flow
from acl_bundle._load.kept import Kept
from acl_bundle._load.parts import Opening
from acl_bundle._load.roles import missing, roles_of
from acl_bundle._update._transaction.update import UpdateGraph
from acl_bundle._update.init import InitGraph
from acl_bundle._update.weights import HasWeights
from acl_bundle.device import Device
from acl_bundle.graph import Graph
from acl_bundle.weight_program import Given, opened

REPLICAS_MAX = 1024


def _check_replicas(replicas: SupportsIndex) -> int:
    found = whole(replicas, "replicas is how often to load a graph, an int")
    if not 0 < found <= REPLICAS_MAX:
        raise ValueError(f"replicas is {found}; give 1 to {REPLICAS_MAX}")
    return found


class Bundle(HasWeights):
    """A loaded bundle model. Made by `Bundle.load`; close it, or use ``with``.

    Attributes:
        graphs: All graphs in file order, for bundles without roles above all.
        device: The device it is loaded on.
    """

    def __init__(
        self,
        source: om.Source | Kept,
        *,
        device: SupportsIndex | Device = 0,
        roles: Mapping[str, SupportsIndex] | None = None,
        variables: Flow = "auto",
        replicas: SupportsIndex = 1,
        config: Config | None = None,
        program: Given | None = None,
    ) -> None:
        beside = None if program is None else opened(program)
        copies = _check_replicas(replicas)
        kept = source if isinstance(source, Kept) else Kept(source)
        by_index = roles_of(kept.file, roles)
        self._closing = threading.RLock()  # a second closer waits for the first
        with self._closed_on_failure(), uninterrupted():
            index = device.index if isinstance(device, Device) else device
            self.device: Device = Device(index, config=config)
            super().__init__(self.device.activated)
            self._stack.callback(self.device.close)
            with self.device.activated():
                keep = weakref.ref(self)
                opening = Opening(self._stack, self.device, keep, kept, by_index, copies, beside)
                parts = opening.parts(variables)
                self._kind = "plain model" if isinstance(kept.file, om.Single) else "bundle"
                self.graphs: tuple[Graph, ...] = parts[0]
                self._writer, self._second_ids = parts[1:3]
                self._variables = self._writer.variables
                self._snapshots, self._readback = parts[3:]

    @classmethod
    def load(
        cls,
        source: om.Source,
        *,
        device: SupportsIndex | Device = 0,
        roles: Mapping[str, SupportsIndex] | None = None,
        variables: Flow = "auto",
        replicas: SupportsIndex = 1,
        config: Config | None = None,
        program: Given | None = None,
    ) -> Bundle:
        """Load a bundle file onto a device. Blocks until it is loaded.

        Nothing computes yet: call `init`, or update every weight, before the
        first inference, for the variables hold whatever the memory held.

        Args:
            source: Path of the .om file, or its bytes. A plain model file is a
                bundle of one graph, of role infer, and without weights. What it
                holds now is what the bundle is, whatever becomes of the path, by
                a rename say. Bytes and
                read-only mappings are used in place (a mapping is summed up once);
                any other buffer is copied, which takes its size on the host until
                the bundle is closed. A file that is *written in place* is noticed
                when the library must read it again: SourceChangedError.
            device: Index of the device, or a Device (which stays the caller's).
            roles: Which graph of the file is ``"infer"``, ``"init"`` and
                ``"update"``, by index; only where detection is in doubt. Graphs
                that are not named then have no role.
            variables: ``"owned"``: in device memory of ours; ``"library"``: the
                library keeps them; ``"auto"``: owned where it can be.
            replicas: How often to load the inference graph, and every other
                graph that computes, over the same variables: so many threads
                run it at once (1 to 1024), and one update serves all. Each takes the
                graph's work space, constants and buffers on the device again.
            config: As for `Device`: what aclInit is given, if this is the first
                use of the device in the process.
            program: What makes the file's weights of a trainer's (what `build.match`
                gives, its program, or the path of the program's file), for a file whose
                weights have an exporter's names. What was kept beside the file, by
                `build.Match.save_beside`, is found without this.

        Raises:
            OSError: The file, the program, or the configuration, cannot be read.
            TypeError, ValueError: An argument cannot be what it is.
            BundleFormatError: It is no compiled model, is damaged, or its graphs'
                roles are in doubt; or the program is damaged.
            WeightError: The program is not of the file's weights.
            LibraryNotFoundError: No libascendcl.so could be opened.
            UnsupportedError: Owned variables cannot be had, of a plain model
                never; nor can replicas.
            SourceChangedError: The file was written meanwhile.
            AclError: The library refused the file (100000, 145xxx, 545xxx:
                built for another chip, say), or the device has no room (245000).
        """
        return cls(
            source,
            device=device,
            roles=roles,
            variables=variables,
            replicas=replicas,
            config=config,
            program=program,
        )

    def _of_role(self, role: str) -> Any:
        for graph in self.graphs:
            if graph.role == role:
                return graph
        writes = any(isinstance(graph, InitGraph | UpdateGraph) for graph in self.graphs)
        raise missing(role, self.graphs, self._kind, writes=writes)

    @property
    def infer(self) -> Graph:
        """The inference graph: ``infer(x)`` or ``infer.run({"x": x})``."""
        graph: Graph = self._of_role("infer")
        return graph

    @property
    def init(self) -> InitGraph:
        """The weight-init graph: ``init()``."""
        graph: InitGraph = self._of_role("init")
        return graph

    @property
    def update(self) -> UpdateGraph:
        """The weight-update graph: ``update({"fc.weight": w})``."""
        graph: UpdateGraph = self._of_role("update")
        return graph

    def close(self) -> None:
        """Wait for what runs, then unload and free everything. Harmless twice.

        What was submitted and has not begun fails with ClosedError. When a run
        that was given up is still on the device, nothing is given back: what
        the bundle holds stays to the end of the process, with a ResourceWarning.

        Raises:
            AclError: Something could not be given back. The rest was, all the same.
            BusyError: A signal handler called it in the middle of an update, which
                it would wait for. The bundle stays open.
        """
        if self._foreign:
            super().close()
            return
        self._variables.check_outside("close")
        with uninterrupted() as signals:
            self._second_ids.stop(signals.deliver)
            while not self._closing.acquire(timeout=POLL_MS / 1000):
                signals.deliver()
            try:
                self._variables.close(signals)
                super().close()
            finally:
                self._closing.release()

    def __repr__(self) -> str:
        if self.closed:
            return "<Bundle closed>"
        return f"<Bundle on device {self.device.index}, version {self._variables.version!r}>"
