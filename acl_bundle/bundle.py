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
from acl_bundle._async.second_ids import SecondIds
from acl_bundle._base.arrays import whole
from acl_bundle._base.owner import Owner, uninterrupted
from acl_bundle._base.wait import POLL_MS, WhenBusy
from acl_bundle._binding.config import Config
from acl_bundle._load import flows
from acl_bundle._load.describe import describe
from acl_bundle._load.flows import Flow, LoadedBundle
from acl_bundle._load.inference import InferenceGraph
from acl_bundle._load.kept import Kept
from acl_bundle._load.roles import missing, roles_of
from acl_bundle._plan.table import NO_WEIGHTS
from acl_bundle._run.published import Version
from acl_bundle._run.variables import Variables
from acl_bundle._update.init import InitGraph
from acl_bundle._update.reports import WeightState, WeightStates
from acl_bundle._update.saved import Area, Where
from acl_bundle._update.snapshots import Snapshot, Snapshots
from acl_bundle._update.update import UpdateGraph
from acl_bundle._update.writer import Writer
from acl_bundle.device import Device
from acl_bundle.errors import BundleFormatError, RoleError, WeightError
from acl_bundle.graph import Graph
from acl_bundle.om._bundle.roles import UPDATE_SUFFIX
from acl_bundle.spec import TensorSpec, WeightSpec
from acl_bundle.weight_program import (
    Given,
    WeightProgram,
    before,
    check,
    fit,
    from_bytes,
    opened,
)


def _check_replicas(replicas: SupportsIndex) -> int:
    found = whole(replicas, "replicas is how often to load a graph, an int")
    if found < 1:
        raise ValueError(f"replicas is {found}; give 1 or more")
    return found


def _check_ends(
    model: om.Model, specs: tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]
) -> None:
    """Refuse a library that describes another graph than the file does."""
    for kind, said, loaded in zip(
        ("inputs", "outputs"), (model.inputs, model.outputs), specs, strict=True
    ):
        if len(said) != len(loaded):
            raise BundleFormatError(
                f"the library says {model.name} has {len(loaded)} {kind};"
                f" the file lists {len(said)}"
            )


def _weights(file: om.Bundle, inputs: tuple[TensorSpec, ...]) -> tuple[WeightSpec, ...]:
    """The weights behind the update graph's inputs, with the names and shapes of the file."""
    known = {one.in_graph: (one.name, one.shape) for one in file.variables.values()}
    names = [spec.name.removesuffix(UPDATE_SUFFIX) for spec in inputs]
    return tuple(
        WeightSpec(*known.get(name, (name, None)), spec.dtype)
        for name, spec in zip(names, inputs, strict=True)
    )


def _program(
    file: om.Bundle, at: int, weights: tuple[WeightSpec, ...], given: WeightProgram | None
) -> WeightProgram | None:
    """What makes the update graph's weights of a trainer's, where the file, its manifest or the
    caller says it.

    Raises:
        BundleFormatError: The file's is damaged, or not of these weights.
        WeightError: The caller's is not of these weights, or not of what the file's own takes.
    """
    own = _own_program(file, at, weights)
    if own is None:
        return given and fit(given, weights)
    return own if given is None else before(given, own)


def _own_program(file: om.Bundle, at: int, weights: tuple[WeightSpec, ...]) -> WeightProgram | None:
    model = file.models[at]
    found = file.program_of(model)
    if found is None:
        return None
    try:
        program = from_bytes(bytes(found))  # the file behind a mapping may be cut short
        check(program, weights, "the graph")
    except (ValueError, WeightError) as error:
        raise BundleFormatError(f"{model.name}, its weight program: {error}") from error
    made, there = [one.name for one in program.constants], [spec.name for spec in weights]
    if made != there:
        raise BundleFormatError(
            f"{model.name}: its weight program makes {', '.join(made)}; the graph takes"
            f" {', '.join(there)}"
        )
    return program


class Bundle(Owner):
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
                self._open(kept, by_index, variables, copies, beside)

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
                run it at once, and one update serves all. Each takes the
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

    def _open(
        self,
        kept: Kept,
        roles: dict[int, str],
        flow: Flow,
        replicas: int,
        beside: WeightProgram | None,
    ) -> None:
        loaded, file = flows.load(self._stack, kept, self.device, flow), kept.file
        models = loaded.models
        if len(models) != len(file.models):
            raise BundleFormatError(
                f"the library loaded {len(models)} graphs where the file has {len(file.models)}"
            )
        described = [describe(model) for model in models]
        for model, specs in zip(file.models, described, strict=True):
            _check_ends(model, specs)
        update = next((index for index, role in roles.items() if role == "update"), None)
        weights = () if update is None else _weights(file, described[update][0])
        if beside is not None and update is None:
            raise RoleError("program= is given, but no graph of the file takes weights")
        program = None if update is None else _program(file, update, weights, beside)
        names = [spec.name for spec in weights] or list(file.variables)
        defined = not names and not file.variable_size
        made = program is not None and not program.is_plain
        sources = [spec.name for spec in program.sources] if program and made else []
        self._variables = Variables(names, sources, defined, keep=weakref.ref(self))
        self._writer = Writer(self._variables, self._area(loaded, file))
        self._second_ids = SecondIds(
            self._stack, loaded.again, self.device, self._variables, weakref.ref(self)
        )
        self._replicas = replicas
        self._kind = "plain model" if isinstance(file, om.Single) else "bundle"
        self.graphs: tuple[Graph, ...] = tuple(
            self._graph(index, model, file.models[index], roles.get(index), specs, weights, program)
            for index, (model, specs) in enumerate(zip(models, described, strict=True))
        )
        self._snapshots = Snapshots(self._stack, self.device, self._writer)
        self._stack.callback(self._second_ids.leave_what_hangs)
        self._stack.callback(self._variables.close)
        self._stack.callback(self._second_ids.stop)

    def _area(self, loaded: LoadedBundle, file: om.Bundle) -> Area | None:
        """The variables' memory, where it is ours, and where each weight lies."""
        if loaded.memory is None:
            return None
        places = {}
        for name, one in file.variables.items():
            if one.offset is None or one.nbytes is None:
                return Area(self._stack, self.device, loaded.memory, None)
            places[name] = one.offset, one.nbytes
        return Area(self._stack, self.device, loaded.memory, places)

    def _graph(
        self,
        index: int,
        model: int,
        part: om.Model,
        role: str | None,
        specs: tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]],
        weights: tuple[WeightSpec, ...],
        program: WeightProgram | None,
    ) -> Graph:
        name = part.name
        if role == "init":
            init = InitGraph(name, index, role, *specs)
            init.open(self._stack, model, self.device, self._writer, self._second_ids)
            return init
        if role == "update":
            update = UpdateGraph(name, index, role, *specs)
            second_ids = self._second_ids
            update.open(self._stack, model, self._writer, second_ids, weights, program)
            return update
        if not specs[1]:
            return Graph(name, index, role, *specs)
        graph = InferenceGraph(name, index, role, *specs)
        models = [model, *self._load_again(index)]
        graph.open(self._stack, models, self.device, self._second_ids, part.gears)
        return graph

    def _load_again(self, index: int) -> list[int]:
        """Load a graph for each replica but the first."""
        if self._replicas == 1:
            return []
        return [self._second_ids.load(self._stack, index) for _ in range(self._replicas - 1)]

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

    @property
    def version(self) -> Version:
        """What inference reads now: 0 after init, then each update's; None before."""
        self._check_open()
        return self._variables.version

    @property
    def poisoned(self) -> bool:
        """Whether a failed commit left weights that may be a mixture; inference is refused."""
        self._check_open()
        return self._variables.poisoned

    @property
    def weights(self) -> Mapping[str, WeightState]:
        """The refreshable weights by name, as they are now: spec, version, digest.

        Another name of a tied weight has that weight's entry, and is not counted or listed;
        a name that neither is raises KeyError. What is returned stays as it is, and can
        be sent to another process.
        """
        self._check_open()
        now = self._variables.published
        update = next((graph for graph in self.graphs if isinstance(graph, UpdateGraph)), None)
        return WeightStates(NO_WEIGHTS, {}, now) if update is None else update.states(now)

    def snapshot(self, where: Where = "auto") -> Snapshot:
        """Save the weights as they are now. Inferences run meanwhile, updates wait.

        With owned variables it copies their memory (aclrtMemcpy). With library
        variables it refers to the values kept for rollback, and costs nothing.

        Args:
            where: ``"device"``, ``"host"`` (page-locked memory), or ``"auto"``: on the
                device if it has room.

        Returns:
            What `restore` takes; close it to free its memory.

        Raises:
            ValueError: `where` is something else.
            UpdateError: The bundle is poisoned, or a value was not kept.
            UnsupportedError: No graph of the bundle writes variables.
            BusyError: A commit that was given up is still on the device.
            ClosedError: The bundle is closed, or was loaded before a fork.
            AclError: There is no memory for it, or a copy failed.
        """
        return self._snapshots.take(where)

    def restore(
        self,
        snapshot: Snapshot,
        *,
        when_busy: WhenBusy = "wait",
        timeout_ms: SupportsIndex | None = None,
    ) -> None:
        """Go back to a snapshot of this bundle, its version included; a commit as an update is.

        It heals a poisoned bundle. The snapshot stays usable. With library
        variables it writes what had a value when the snapshot was taken.

        Args:
            snapshot: What `snapshot` returned.
            when_busy: ``"wait"`` for running inferences and other updates, or ``"fail"``.
            timeout_ms: The longest wait for each of them in milliseconds; None for
                ever. The device is waited for without a limit.

        Raises:
            TypeError, ValueError: It is no snapshot, or another bundle's.
            UpdateError: The bundle is poisoned, and not every weight had a value.
            BusyError: Others were busy for too long. Nothing was changed.
            ClosedError: The snapshot or the bundle is closed.
            AclError: A call failed; the message says whether the weights are as before.
        """
        self._snapshots.restore(snapshot, when_busy, timeout_ms)

    def verify(self) -> None:
        """Compare the variables' bytes with what was read back when they were published.

        Takes one copy of all variables to the host, by pieces. Inferences run meanwhile.

        Raises:
            UpdateError: They differ, and the message names the weights; or the
                last commit was not an update with ``digest=True``.
            UnsupportedError: The variables are the library's, or xxhash is missing.
            BusyError: A commit that was given up is still on the device.
            ClosedError: The bundle is closed, or was loaded before a fork.
            AclError: A copy failed.
        """
        self._snapshots.verify()

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
