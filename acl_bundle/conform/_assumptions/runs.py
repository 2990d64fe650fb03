"""Assumptions about runs: threads, gears, memory of inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from acl_bundle._binding.shim import ffi, lib
from acl_bundle.conform._assumptions.checks import TriedOn, Verdict, check
from acl_bundle.conform._assumptions.trial import (
    Trial,
    Untried,
    address,
    done,
    download,
    malloc,
    upload,
)

T = TypeVar("T")


def _elsewhere(work: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@check("A11", "a device's default context, current on each thread in turn, does for a whole life")
def threads(where: TriedOn) -> Verdict:
    """Load, infer and unload, each on a thread of its own."""

    def on_device(work: Callable[[], T]) -> T:
        done("aclrtSetDevice", where.device)
        return work()

    expected = Trial(where.path).infer()
    try:
        trial = _elsewhere(lambda: on_device(lambda: Trial(where.path)))
        got = _elsewhere(lambda: on_device(trial.infer))
        _elsewhere(lambda: on_device(lambda: done("aclmdlBundleUnload", trial.bundle)))
    except Untried as error:
        return False, str(error)
    same = "init" not in trial.om.roles or got == expected
    return same, f"three threads: the outputs are {'' if same else 'not '}the same"


@check("A12", "a gear counts the open dims as the file lists its inputs")
def gears(where: TriedOn) -> Verdict:
    """Run each gear, and ask for the outputs' dims."""
    trial = Trial(where.path)
    listed = trial.infer_model.gears
    if listed is None:
        raise Untried("its graph has no gears")
    desc = lib.aclmdlCreateDesc()
    done("aclmdlGetDesc", desc, trial.infer_id)
    sizes = trial.outputs()
    for gear in range(len(listed.values)):
        taken = [(malloc(size), size) for size in sizes]
        try:
            trial.ran(trial.infer_id, trial.place(trial.inputs(gear)), taken, gear)
        except Untried as error:
            return False, f"gear {listed.values[gear]}: {error}"
    return True, f"{len(listed.values)} gears ran"


@check("A13", "buffers larger than what is needed are taken")
def larger(where: TriedOn) -> Verdict:
    """Run with 4096 bytes more behind every input and output."""
    return _elsewhere_placed(where, before=0, behind=4096, said="4096 bytes more")


@check("A14", "the memory of a shape needs no bytes behind it")
def no_more(where: TriedOn) -> Verdict:
    """Run where inputs and outputs end as their allocation does."""
    return _elsewhere_placed(where, before=64, behind=0, said="nothing behind it")


@check("A15", "an address that is a multiple of 64 does for every input and output")
def aligned(where: TriedOn) -> Verdict:
    """Run 64 bytes into the allocations."""
    return _elsewhere_placed(where, before=64, behind=64, said="64 bytes into an allocation")


def _elsewhere_placed(where: TriedOn, before: int, behind: int, said: str) -> Verdict:
    trial = Trial(where.path)
    expected = trial.infer()

    def placed(size: int) -> tuple[Any, int]:
        return ffi.cast("char *", malloc(before + size + behind)) + before, size + behind

    given = []
    for one in trial.inputs():
        pointer, size = placed(one.nbytes)
        upload(pointer, one.tobytes())
        given.append((pointer, size))
    taken = [placed(size) for size in trial.outputs()]
    for pointer, size in taken:
        done("aclrtMemset", pointer, size, 0, size)
    try:
        got = trial.ran(trial.infer_id, given, taken)
    except Untried as error:
        return False, f"{said}: {error}"
    same = all(one.startswith(wanted) for one, wanted in zip(got, expected, strict=True))
    return same, f"{said}: the outputs are {'' if same else 'not '}the same"


@check("A16", "aclUpdateDataBuffer exchanges a tensor's memory between two runs")
def exchanged(where: TriedOn) -> Verdict:
    """Run, point every input and output at other memory, and run again."""
    trial = Trial(where.path)
    if trial.infer_model.gears is not None:
        raise Untried("its graph has gears; one of one shape does")
    expected = trial.infer()
    zeros = [(malloc(one.nbytes), one.nbytes) for one in trial.inputs()]
    first = [(malloc(size), size) for size in trial.outputs()]
    for pointer, size in [*zeros, *first]:
        done("aclrtMemset", pointer, size, 0, size)
    inputs, outputs = trial.dataset(zeros), trial.dataset(first)
    done("aclmdlExecute", trial.infer_id, inputs, outputs)
    given = trial.place(trial.inputs())
    taken = [(malloc(size), size) for size in trial.outputs()]
    for dataset, memory in ((inputs, given), (outputs, taken)):
        for at, (pointer, size) in enumerate(memory):
            buffer = lib.aclmdlGetDatasetBuffer(dataset, at)
            done("aclUpdateDataBuffer", buffer, pointer, size)
    done("aclmdlExecute", trial.infer_id, inputs, outputs)
    same = [download(pointer, size) for pointer, size in taken] == expected
    return same, f"the outputs lie {'' if same else 'not '}in the other memory"


@check("A17", "aclrtPointerGetAttributes counts devices as aclrtSetDevice does")
def attributes(where: TriedOn) -> Verdict:
    """Ask about memory of this device."""
    found = ffi.new("aclrtPtrAttributes *")
    pointer = malloc(64)
    done("aclrtPointerGetAttributes", pointer, found)
    kind, device = int(found.location.type), int(found.location.id)
    said = f"memory at 0x{address(pointer):x}: location type {kind}, device {device}"
    return (kind, device) == (1, where.device), said
