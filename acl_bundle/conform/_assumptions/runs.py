"""Assumptions about runs: threads, gears, memory of inputs and outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from acl_bundle import dtypes
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
    """Ask the library for its gears and for its inputs' open dims, and run each gear.

    A gear that counted otherwise would make outputs of other dims, and write another part of them.
    """
    trial = Trial(where.path)
    listed = trial.infer_model.gears
    if listed is None:
        raise Untried("its graph has no gears")
    desc = lib.aclmdlCreateDesc()
    done("aclmdlGetDesc", desc, trial.infer_id)
    told = _gears_told(trial, desc)
    if told:
        return False, told
    for gear, value in enumerate(listed.values):
        try:
            unlike = _gear_run(trial, desc, gear)
        except Untried as error:
            return False, f"gear {value}: {error}"
        if unlike:
            return False, f"gear {value}: {unlike}"
    return True, (
        f"the library lists the same {len(listed.values)} gears and open dims; each ran,"
        " and wrote outputs of its dims"
    )


def _gears_told(trial: Trial, desc: Any) -> str:
    """Where the library and the file differ about gears and open dims, "" for nowhere."""
    listed, model = trial.infer_model.gears, trial.infer_model
    assert listed is not None
    batches = ffi.new("aclmdlBatch *")
    done("aclmdlGetDynamicBatch", desc, batches)
    there = [int(batches.batch[at]) for at in range(batches.batchCount)]
    wanted = [value[0] for value in listed.values]
    if sorted(there) != sorted(wanted):
        return f"the library has the gears {there}, the file {wanted}"
    dims = ffi.new("aclmdlIODims *")
    for at, info in enumerate(model.inputs[:-1]):
        done("aclmdlGetInputDimsV2", desc, at, dims)
        found = tuple(int(dims.dims[axis]) for axis in range(dims.dimCount))
        if found != tuple(info.dims):
            return f"input {info.name!r}: the library has the dims {found}, the file {info.dims}"
    return ""


FILLS, ALIGNED = (0x5A, 0xA5), 64


def _gear_run(trial: Trial, desc: Any, gear: int) -> str:
    """Run a gear over memory of two fillings, which shows how many bytes of an output it wrote."""
    given, listed = trial.place(trial.inputs(gear)), trial.infer_model.gears
    assert listed is not None
    sizes, seen = trial.outputs(), []
    for fill in FILLS:
        taken = [(malloc(size), size) for size in sizes]
        for pointer, size in taken:
            done("aclrtMemset", pointer, size, fill, size)
        seen.append(trial.ran(trial.infer_id, given, taken, gear))
    dims = ffi.new("aclmdlIODims *")
    for at, (info, one, other) in enumerate(zip(trial.infer_model.outputs, *seen, strict=True)):
        done("aclmdlGetCurOutputDims", desc, at, dims)
        found = [int(dims.dims[axis]) for axis in range(dims.dimCount)]
        wanted = listed.output_dims(gear, at)
        if wanted is not None and tuple(found) != wanted:
            return f"output {info.name!r} has the dims {found}, by the file {[*wanted]}"
        size = math.prod(found) * dtypes.to_numpy(info.dtype).itemsize
        same = np.flatnonzero(np.frombuffer(one, np.uint8) == np.frombuffer(other, np.uint8))
        written = int(same[-1]) + 1 if same.size else 0
        if not size <= written <= -(-size // ALIGNED) * ALIGNED:
            return f"{written} bytes of output {info.name!r} were written, {size} are of {found}"
    return ""


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
