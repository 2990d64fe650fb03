"""From what a trace says to what a call takes here: handles, ids, memory, files.

Addresses of the recorded run stand for what the same call gave here. Memory that no call gave is
the program's own; its bytes are not in a trace, so it is memory of zeros here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acl_bundle._binding.shim import NULL, ffi
from acl_bundle.conform._trace.lines import Recorded

__all__ = ["NotReplayed", "ReplayValues", "digest"]

EDGE, LARGEST = 1 << 16, 1 << 30
IDS = {"modelId", "bundleId"}
ENDS = re.compile("^acl(rt|mdl|prof|op)?(Destroy|Free)")
HANDLES = {"stream", "event", "context", "notify"}  # of type void *, as memory is


class NotReplayed(Exception):  # noqa: N818  no fault: the trace does not have what it takes
    """A call cannot be made again; the text says why."""


def digest(data: bytes) -> str:
    """What record.c writes of a model's bytes: FNV-1a of the first and last 64 KiB."""
    first = data[:EDGE]
    last = data[len(data) - min(EDGE, len(data) - len(first)) :]
    value = 14695981039346656037
    for byte in first + last:
        value = (value ^ byte) * 1099511628211 & (1 << 64) - 1
    return f"{len(data)}:{value:016x}"


def _is_handle(name: str, wanted: Any) -> bool:
    """Whether an argument takes a handle, and never memory."""
    if wanted.kind != "pointer":
        return False
    inner = wanted.item
    return name in HANDLES or (inner.kind == "struct" and inner.fields is None)


def _does_nothing(wanted: Any) -> Any:
    """A function of a callback's type: what the program's did is not in a trace."""
    result = wanted.result
    empty = None if result.kind == "void" else NULL if result.kind == "pointer" else 0
    made: Any = ffi
    return made.callback(wanted, lambda *_: empty)


def _size(call: Recorded) -> int:
    """The bytes of the memory that a call gave, 0 for one that gives none."""
    return int(call.args.get("size", 0)) if "Malloc" in call.function else 0


class ReplayValues:
    """What the recorded numbers stand for here.

    An address has a handle from the call that gave it to the call that ended it; what is given
    later at the same address is another one. A handle that was ended is still passed on where a
    handle is wanted, as the program did that; where memory is wanted, it is the program's own.

    Args:
        folder: Where files of the recorded names lie, None for where they lay.

    Attributes:
        threads: pthread_t here of each pthread_t that the trace has.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._handles: dict[int, Any] = {}
        self._ended: dict[int, Any] = {}
        self.threads: Mapping[int, int] = {}
        self._ids: dict[int, int] = {}
        self._lost: set[int] = set()
        self._blocks: dict[int, tuple[Any, int]] = {}  # None: of a call that was left out
        self._own: dict[int, Any] = {}
        self._held: list[Any] = []
        self._contents: dict[str, bytes] | None = None

    def argument(self, call: Recorded, name: str, wanted: Any) -> Any:
        """The value of one argument.

        Raises:
            NotReplayed: It cannot be had.
        """
        said = call.args[name]
        if call.is_cut:
            raise NotReplayed("its line was cut, so its arguments are not there")
        if said is None:
            return NULL
        if name == "threadId":
            if said not in self.threads:
                raise NotReplayed("threadId is of a thread that made no call")
            return self.threads[said]
        if isinstance(said, list):
            return self._list(name, said, wanted)
        if isinstance(said, str):
            return self._text(call, name, said, wanted)
        if name in IDS:
            if said in self._lost:
                raise NotReplayed(f"a call that was left out gave {name} {said}")
            return self._ids.get(said, said)
        return ffi.cast(wanted, said) if wanted.kind == "enum" else said

    def _list(self, name: str, said: list[Any], wanted: Any) -> Any:
        if said and isinstance(said[-1], str):
            raise NotReplayed(
                f"{name} has {said[-1][1:]} numbers, of which the trace keeps {len(said) - 1}"
            )
        if wanted.item.kind != "struct":
            return self._hold(ffi.new("int64_t[]", said or [0]))
        made = self._hold(ffi.new("aclmdlIODims *"))
        made.dimCount = len(said)
        for at, dim in enumerate(said):
            made.dims[at] = dim
        return made

    def _text(self, call: Recorded, name: str, said: str, wanted: Any) -> Any:
        if said.startswith("=") and wanted.kind == "pointer" and wanted.item.cname == "char":
            text = said[1:].encode("latin-1")
            return self._hold(ffi.new("char[]", self._path(name, text)))
        if said.startswith("~"):
            size, _, kept = said[1:].partition(":")
            raise NotReplayed(f"{name} has {size} bytes, of which the trace keeps {len(kept)}")
        if said.startswith("#"):
            return self._hold(ffi.from_buffer(self._content(said[1:])))
        if wanted.kind == "function":
            return self._hold(_does_nothing(wanted))
        if not said.startswith("0x"):
            said = said.removeprefix("=")
            raise NotReplayed(f"{name} is {said}, which a trace does not keep")
        return self._pointer(call, name, int(said, 16), wanted)

    def _path(self, name: str, text: bytes) -> bytes:
        if self._folder is None or ("path" not in name.lower() and name != "fileName"):
            return text
        here = self._folder / Path(text.decode("utf-8", "replace")).name
        return str(here).encode() if here.is_file() else text

    def _content(self, wanted: str) -> bytes:
        """A model's bytes, from the folder's files."""
        if self._contents is None:
            files = [] if self._folder is None else sorted(self._folder.iterdir())
            read = [path.read_bytes() for path in files if path.is_file()]
            self._contents = {digest(data): data for data in read}
        if wanted not in self._contents:
            size = wanted.partition(":")[0]
            raise NotReplayed(f"no file of --files has the model's {size} bytes")
        return self._contents[wanted]

    def _pointer(self, call: Recorded, name: str, address: int, wanted: Any) -> Any:
        """An address: of a handle, in memory that a call gave, for an answer, or the program's."""
        if address in self._handles:
            return ffi.cast(wanted, self._handles[address])
        if address in self._ended and (_is_handle(name, wanted) or ENDS.search(call.function)):
            return ffi.cast(wanted, self._ended[address])
        for start, (pointer, size) in self._blocks.items():
            if start <= address < start + size:
                if pointer is None:
                    raise NotReplayed(f"a call that was left out gave {name}")
                return ffi.cast(wanted, ffi.cast("char *", pointer) + (address - start))
        if wanted.kind == "pointer" and wanted.item.cname not in ("void", "char"):
            if wanted.item.kind == "struct" and wanted.item.fields is None:
                raise NotReplayed(f"{name} was made by no call of the trace")
            return self._hold(ffi.new(f"{wanted.item.cname}[8]"))
        sizes = [one for one in call.args.values() if isinstance(one, int)]
        room = min(max([64, *sizes]), LARGEST)
        if address not in self._own or len(self._own[address]) < room:
            self._own[address] = ffi.new("char[]", room)
        return ffi.cast(wanted, self._own[address])

    def learn(self, call: Recorded, given: Mapping[str, Any], result: Any) -> None:
        """Keep what the call gave here, under what it gave then."""
        size = _size(call)
        if ENDS.search(call.function) and result in (0, None):
            self._end(call, given)
        for name, then in call.out.items():
            now = given[name][0]
            if isinstance(then, str):
                if size:
                    self._cover(int(then, 16), size, now)
                else:
                    self._handles[int(then, 16)] = now
            elif isinstance(then, int) and name in IDS:
                self._ids[then] = int(now)
                self._lost.discard(then)
        if isinstance(call.result, str) and call.result.startswith("0x") and result != NULL:
            self._handles[int(call.result, 16)] = result

    def _end(self, call: Recorded, given: Mapping[str, Any]) -> None:
        """Note that a handle's life is over, unless its address has got a new one meanwhile."""
        name, said = next(iter(call.args.items()), ("", None))
        if not isinstance(said, str) or not said.startswith("0x"):
            return
        address, value = int(said, 16), given[name]
        held = self._handles.get(address)
        if held is not None and ffi.cast("uintptr_t", held) == ffi.cast("uintptr_t", value):
            self._ended[address] = self._handles.pop(address)

    def lose(self, call: Recorded) -> None:
        """Note that a call is left out: what it gave is not there."""
        self._lost |= {
            then for name, then in call.out.items() if name in IDS and isinstance(then, int)
        }
        size = _size(call)
        for then in call.out.values():
            if isinstance(then, str) and then.startswith("0x"):
                at = int(then, 16)
                if size or not any(one <= at < one + had for one, (_, had) in self._blocks.items()):
                    self._cover(at, size or 1, None)

    def _cover(self, start: int, size: int, pointer: Any) -> None:
        """Keep memory, None for lost one; what lay there before was given back."""
        end = start + size
        self._handles = {at: one for at, one in self._handles.items() if not start <= at < end}
        self._ended = {at: one for at, one in self._ended.items() if not start <= at < end}
        self._blocks = {
            at: one for at, one in self._blocks.items() if end <= at or at + one[1] <= start
        }
        self._blocks[start] = (pointer, size)

    def _hold(self, made: Any) -> Any:
        self._held.append(made)
        return made
