"""A row on a library: its calls are made, and what they answer is compared.

Nothing here knows which library it is: any cffi library will do that declares AscendCL's functions,
the package's shim and a test's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acl_bundle.conform.table import CallRow
from acl_bundle.conform.terms import (
    AnswerPlace,
    Name,
    Number,
    NumberList,
    OfFile,
    RowCall,
    RowLine,
    Term,
    Text,
)

__all__ = ["Answered", "Surroundings", "perform"]


@dataclass(frozen=True)
class Answered:
    """What one line of a row gave.

    Attributes:
        line: The line as it is written.
        got: What came, as it would be written there; for a line that expects nothing, too.
        is_right: Whether it is what the row expects.
    """

    line: str
    got: str
    is_right: bool


@dataclass(frozen=True)
class Surroundings:
    """What rows may name beside what they make.

    Attributes:
        files: The files of the kit, by name.
        numbers: Numbers by name: DEVICE, and what is told of the files.
    """

    files: Mapping[str, Path]
    numbers: Mapping[str, int]


class _RowRun:
    """The names of one row while it runs."""

    def __init__(self, ffi: Any, lib: Any, around: Surroundings, stack: ExitStack) -> None:
        self._ffi, self._lib, self._around = ffi, lib, around
        self._stack = stack
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._held: list[Any] = []  # what an earlier call may still read
        self._names: dict[str, Any] = dict(around.numbers)
        self._places: set[str] = set()

    def line(self, line: RowLine) -> Answered:
        """Do what a line says, on its thread."""
        got = self._on(line.thread, line.what)
        if line.into:
            self._names[line.into] = got
        shown = self._shown(got)
        if line.into and not line.right:
            return Answered(line.text, shown, shown != "NULL")
        if not line.right:
            return Answered(line.text, shown, True)
        right = any(self._is(got, self._value(term, None)) for term in line.right)
        return Answered(line.text, shown, right != line.inverted)

    def _on(self, thread: str, what: RowCall | Term) -> Any:
        if not thread:
            return self._done(what)
        if thread not in self._threads:
            self._threads[thread] = self._stack.enter_context(ThreadPoolExecutor(1))
        return self._threads[thread].submit(self._done, what).result()

    def _done(self, what: RowCall | Term) -> Any:
        if not isinstance(what, RowCall):
            return self._value(what, None)
        function = getattr(self._lib, what.function)
        wanted = self._ffi.typeof(function).args
        given = [self._value(*pair) for pair in zip(what.arguments, wanted, strict=True)]
        return function(*given)

    def _value(self, term: Term, wanted: Any) -> Any:
        if isinstance(term, Number):
            return self._number(term.value, wanted)
        if isinstance(term, Text):
            return self._hold(self._ffi.new("char[]", term.value))
        if isinstance(term, AnswerPlace):
            return self._place(term, wanted)
        if isinstance(term, NumberList):
            ctype = term.ctype or wanted.item.cname
            return self._hold(self._ffi.new(f"{ctype}[]", list(term.values)))
        if isinstance(term, OfFile):
            return self._of_file(term)
        return self._named(term)

    def _number(self, value: int | float, wanted: Any) -> Any:
        """A number, or an address where a pointer is wanted."""
        if wanted is not None and wanted.kind in ("pointer", "enum"):
            return self._ffi.cast(wanted, int(value))
        return value

    def _place(self, place: AnswerPlace, wanted: Any) -> Any:
        if place.name not in self._names:
            ctype = place.ctype or wanted.cname
            array = ctype if "[" in ctype or place.ctype is None else f"{ctype} *"
            self._names[place.name] = self._ffi.new(array.replace("const ", ""))
            if self._ffi.typeof(self._names[place.name]).kind == "pointer":
                self._places.add(place.name)
        return self._names[place.name]

    def _named(self, term: Name) -> Any:
        if term.name == "NULL":
            return self._ffi.NULL
        if term.name not in self._names:
            raise KeyError(f"{term.name}: the row has no such name")
        value = self._names[term.name]
        if term.name in self._places and not term.path and not term.offset:
            inner = self._ffi.typeof(value).item
            return value if inner.kind == "struct" else value[0]
        if term.name in self._places and not isinstance((term.path or ("",))[0], str):
            value = value[0]
        for step in term.path:
            value = value[step] if isinstance(step, int) else getattr(value, step)
        if term.offset:
            inner = value[0] if term.name in self._places and not term.path else value
            return self._ffi.cast("char *", inner) + term.offset
        return value

    def _of_file(self, term: OfFile) -> Any:
        path = self._around.files[term.file]
        if term.what == "path":
            return self._hold(self._ffi.new("char[]", str(path).encode()))
        data = path.read_bytes()
        return len(data) if term.what == "size" else self._hold(self._ffi.new("char[]", data))

    def _hold(self, made: Any) -> Any:
        self._held.append(made)
        return made

    def _is(self, got: Any, right: Any) -> bool:
        return self._shown(got) == self._shown(right)

    def _shown(self, value: Any) -> str:
        """A value as a row would write it, but for addresses."""
        if isinstance(value, int | float):
            return f"{int(value) if float(value).is_integer() else value}"
        if value is None:
            return "nothing"
        kind = self._ffi.typeof(value)
        if kind.kind == "enum":
            return str(int(value))
        return "NULL" if value == self._ffi.NULL else self._pointed(value, kind)

    def _pointed(self, value: Any, kind: Any) -> str:
        if kind.item.cname == "char":
            return repr(self._ffi.string(value, 1024).decode("utf-8", "replace"))
        if kind.kind == "array":
            return str([*value])
        return f"0x{int(self._ffi.cast('uintptr_t', value)):x}"


def perform(row: CallRow, ffi: Any, lib: Any, around: Surroundings) -> Iterable[Answered]:
    """Do a row's lines, one after the other, to the first whose answer is another one.

    What the row expects to be there (aclInit, a device) is the caller's matter.

    Args:
        row: What is done.
        ffi: cffi's, which declares `lib`.
        lib: An open library: its functions are attributes, NULL and numbers are theirs.
        around: Files and numbers.

    Yields:
        The answer to each line, before the next one is done.
    """
    with ExitStack() as stack:
        run = _RowRun(ffi, lib, around, stack)
        for line in row.lines:
            answer = run.line(line)
            yield answer
            if not answer.is_right:
                return
