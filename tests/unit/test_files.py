"""One opener: regular files alone, at once, whatever stands at the path meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from acl_bundle._base import files
from acl_bundle._base.files import NoRegularFileError, map_regular, open_regular, read_regular


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    """End a test that waits for a FIFO's other end."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def test_a_regular_file_is_opened_mapped_and_read_through_links_and_by_fd(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"weights")
    link.symlink_to(path)
    with open_regular(link) as file:
        assert file.read() == b"weights"
        assert map_regular(f"/proc/self/fd/{file.fileno()}") == b"weights"
    assert read_regular(path, 3) == b"wei"
    path.write_bytes(b"")
    assert map_regular(path) == b""


@pytest.mark.parametrize("read", [open_regular, map_regular])
def test_what_is_no_regular_file_is_refused_at_once_with_its_path_and_kind(
    read: object, tmp_path: Path
) -> None:
    fifo, bound, ring = tmp_path / "fifo", tmp_path / "socket", tmp_path / "ring"
    os.mkfifo(fifo)
    ring.symlink_to(ring)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(bound))
        for path, kind in (
            (fifo, "a FIFO"),
            (bound, "a socket"),
            (Path("/dev/zero"), "a character device"),
        ):
            with pytest.raises(NoRegularFileError, match=f"{kind}; a regular file") as caught:
                read(path)  # type: ignore[operator]
            assert caught.value.filename == os.fspath(path)
    for path, error in ((tmp_path, IsADirectoryError), (tmp_path / "no", FileNotFoundError)):
        with pytest.raises(error) as refused:
            read(path)  # type: ignore[operator]
        assert refused.value.filename == os.fspath(path)
    with pytest.raises(OSError, match="ring"):
        read(ring)  # type: ignore[operator]


def test_a_pipe_named_by_its_fd_is_refused_and_loses_no_byte() -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, b"kept")
        with pytest.raises(NoRegularFileError, match="FIFO"):
            map_regular(f"/dev/fd/{reading}")
        assert os.read(reading, 9) == b"kept"
    finally:
        os.close(reading)
        os.close(writing)


def test_who_waits_to_write_into_a_fifo_goes_on_waiting(tmp_path: Path) -> None:
    """A FIFO is not even opened: its writer would be let go, into nothing."""
    fifo, opened = tmp_path / "fifo", threading.Event()
    os.mkfifo(fifo)

    def write() -> None:
        with fifo.open("wb"):
            opened.set()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    with pytest.raises(NoRegularFileError):
        open_regular(fifo)
    assert not opened.wait(0.2)
    os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))
    writer.join()


def test_a_name_that_leads_elsewhere_once_it_is_open_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T1 looks: a file. T2 puts a FIFO in its place. T1 opens, without waiting, and looks again."""
    path = tmp_path / "file"
    path.write_bytes(b"weights")
    look, before = files.os.stat, len(os.listdir("/proc/self/fd"))

    def replaced(name: object) -> os.stat_result:
        status = look(path)
        path.unlink()
        os.mkfifo(path)
        monkeypatch.setattr(files.os, "stat", look)
        return status

    monkeypatch.setattr(files.os, "stat", replaced)
    with pytest.raises(NoRegularFileError, match="FIFO"):
        open_regular(path)
    assert len(os.listdir("/proc/self/fd")) == before
