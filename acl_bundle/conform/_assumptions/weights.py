"""Assumptions about weights: what is in the file, what an update does, what variables are."""

from __future__ import annotations

import numpy as np

from acl_bundle import om
from acl_bundle._binding.shim import ffi, lib, text
from acl_bundle.conform._assumptions.checks import TriedOn, Verdict, check
from acl_bundle.conform._assumptions.trial import Trial, Untried, done, download, malloc, upload


def _shown(names: list[str]) -> str:
    return f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"


@check("A1", "the bytes of the variables' memory are all there is to them")
def restored(where: TriedOn) -> Verdict:
    """Copy them, update, copy them back: the outputs are those of before."""
    trial = Trial(where.path)
    first = trial.infer()
    saved = download(trial.variables, trial.size)
    trial.changed(1)
    upload(trial.variables, saved)
    same = trial.infer() == first
    return (
        same,
        f"{trial.size} bytes copied back: the outputs are {'' if same else 'not '}as before",
    )


@check("A3", "the shape of each weight is in the file", needs_device=False)
def shapes(where: TriedOn) -> Verdict:
    """Read them."""
    found = om.open_bundle(where.path).variables
    without = [name for name, one in found.items() if one.shape is None]
    if not found:
        raise Untried("the bundle has no weights")
    return not without, (
        f"no shape of {_shown(without)}" if without else f"{len(found)} weights have one"
    )


@check("A4", "an update copies exactly the weight's bytes")
def exact(where: TriedOn) -> Verdict:
    """Give one weight more memory than it needs, and look which bytes of the variables change."""
    trial = Trial(where.path)
    trial.changed(1)
    name, value = next(iter(trial.values(2).items()))
    before = np.frombuffer(download(trial.variables, trial.size), np.uint8)
    trial.update({name: value})
    after = np.frombuffer(download(trial.variables, trial.size), np.uint8)
    changed = np.flatnonzero(before != after)
    if not changed.size:
        return False, f"an update of {name} alone changed no byte of the variables' memory"
    span = int(changed[-1] - changed[0]) + 1
    said = f"{name} has {value.nbytes} bytes; what changed lies within {span}"
    return span <= value.nbytes, said


@check("A5", "{0} keeps a weight with one byte of memory behind it")
def kept(where: TriedOn) -> Verdict:
    """Update nothing, with one byte for each weight."""
    trial = Trial(where.path)
    after = trial.changed(1)
    before = download(trial.variables, trial.size)
    try:
        trial.update({}, kept_bytes=1)
    except Untried as error:
        return False, str(error)
    same = trial.infer() == after and download(trial.variables, trial.size) == before
    count = len(trial.om.variables)
    return same, f"{count} empty tensors: the weights are {'kept' if same else 'others'}"


@check("A6", "synchronous executes of one thread see each other's variables in order")
def in_order(where: TriedOn) -> Verdict:
    """Update and infer in turn, with nothing in between."""
    trial = Trial(where.path)
    expected = [trial.changed(1), trial.changed(2)]
    sets, rounds = [trial.values(1), trial.values(2)], 20
    wrong = 0
    for turn in range(rounds):
        trial.update(sets[turn % 2])
        wrong += trial.infer() != expected[turn % 2]
    return not wrong, f"{rounds} updates in turn: {wrong} inferences had other weights"


@check("A7", "varWeightPtr may be given back once the bundle is unloaded")
def given_back(where: TriedOn) -> Verdict:
    """Unload, free, and load again."""
    trial = Trial(where.path)
    first = trial.infer()
    done("aclmdlBundleUnload", trial.bundle)
    status = lib.aclrtFree(trial.variables)
    if status:
        return False, f"aclrtFree returned {status}"
    same = "init" not in trial.om.roles or Trial(where.path).infer() == first
    return same, f"freed, and loaded again: the outputs are {'' if same else 'not '}the same"


@check("A8", "each load of a bundle's graph, a repeated one too, sees the same variables")
def shared(where: TriedOn) -> Verdict:
    """Load the graph that infers a second time, before and after an update."""
    trial = Trial(where.path)
    early = trial.load("infer")
    after = trial.changed(1)
    late = trial.load("infer")
    seen = {name: trial.infer(id_) == after for name, id_ in (("before", early), ("after", late))}
    wrong = [name for name, same in seen.items() if not same]
    said = f"loaded {' and '.join(wrong)} the update: other weights" if wrong else "both loads do"
    return not wrong, said


@check("A9", "inputs and outputs have the names that the file lists")
def names(where: TriedOn) -> Verdict:
    """Ask the library, graph by graph."""
    trial, unlike = Trial(where.path), []
    count = 0
    for role, index in trial.om.roles.items():
        desc = lib.aclmdlCreateDesc()
        done("aclmdlGetDesc", desc, trial.load(role))
        model = trial.om.models[index]
        for at, info in enumerate(model.inputs):
            count += 1
            said = text(lib.aclmdlGetInputNameByIndex(desc, at))
            unlike += [f"{info.name!r} is {said!r}"] if said != info.name else []
        for at, info in enumerate(model.outputs):
            count += 1
            said = text(lib.aclmdlGetOutputNameByIndex(desc, at))
            unlike += [f"{info.name!r} is {said!r}"] if said != info.name else []
    return not unlike, _shown(unlike) if unlike else f"{count} names are the same"


@check("A10", "a weight that the trainer names is an input <weight>_var_data of the update graph",
       needs_device=False)  # fmt: skip
def weight_names(where: TriedOn) -> Verdict:
    """Read both."""
    bundle = om.open_bundle(where.path)
    if "update" not in bundle.roles:
        raise Untried("the bundle has no update graph")
    listed = [one.name for one in bundle.models[bundle.roles["update"]].inputs]
    wanted = [f"{one.in_graph or name}_var_data" for name, one in bundle.variables.items()]
    lost = [name for name in wanted if name not in listed]
    return not lost, f"not there: {_shown(lost)}" if lost else f"{len(wanted)} are there"


@check("A2", "aclrtMemcpy between two places of one device is done when it returns")
def copied(_: TriedOn) -> Verdict:
    """Copy 16 MiB within the device, and at once its last bytes to the host on another stream."""
    size, rounds, late = 16 << 20, 8, 0
    source, target = malloc(size), malloc(size)
    stream, host = ffi.new("aclrtStream *"), bytearray(64)
    done("aclrtCreateStream", stream)
    for turn in range(rounds):
        done("aclrtMemset", source, size, turn + 1, size)
        done("aclrtSynchronizeDevice")
        done("aclrtMemcpy", target, size, source, size, 3)
        end = ffi.cast("char *", target) + size - len(host)
        into = ffi.from_buffer(host)
        done("aclrtMemcpyAsync", into, len(host), end, len(host), 2, stream[0])
        done("aclrtSynchronizeStream", stream[0])
        late += bytes(host) != bytes([turn + 1]) * len(host)
    return not late, f"{rounds} copies of {size >> 20} MiB: {late} were not there at once"
