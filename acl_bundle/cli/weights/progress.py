"""A bar for what takes long: on stderr, and only where somebody can see it move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from acl_bundle.cli.shell.console import Console
from acl_bundle.weights import View
from acl_bundle.weights._base.spec import Array, Weights, spec_of


class Watched(View):
    """Weights that tell how much of them was read."""

    def __init__(self, base: Weights) -> None:
        super().__init__(base)
        self._bar: Progress | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all weights."""
        return sum(spec_of(self, name).nbytes for name in self)

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values, and move the bar of `during`."""
        array = super().__getitem__(name)
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0], array.nbytes)
        return array

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        """Show a bar while all weights are read once."""
        with bar(what, self.nbytes) as shown:
            self._bar = shown
            try:
                yield
            finally:
                self._bar = None


@contextmanager
def bar(what: str, total: int) -> Iterator[Progress]:
    """Show a bar of so many bytes, which goes away when it is full."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        progress.add_task(what, total=total)
        yield progress
