"""A socket on which two processes of one host tell each other JSON, a line at a time.

An address is the path of a socket, or ``@name`` of one without a file, which goes with its
processes however they end. Only processes of the same user are listened to. A forked child has no
part in its parent's connections, whose end is therefore seen when the parent ends.
"""

from __future__ import annotations

import json
import os
import select
import socket
import stat
import struct
from contextlib import suppress
from functools import partial
from typing import Any

from acl_bundle._base.unshared import unshared
from acl_bundle.errors import BusyError

LINE_MAX = 64 << 20
"""The longest line that is read: a manifest of some 500,000 weights."""
HELLO = 1
_PIECE = 1 << 20
_CREDENTIALS = struct.Struct("3i")


class Line:
    """One end of a connection.

    Args:
        connected: The socket, which is this object's from now on.
        most: The longest line that is read, in bytes.

    Attributes:
        process: The other end's process, as this machine numbers it.
        user: Whose it is.
        made_in: This end's process; a child of it has no connection.
    """

    def __init__(self, connected: socket.socket, most: int = LINE_MAX) -> None:
        self._socket, self._most, self._read = connected, most, bytearray()
        self.ended = False
        self.made_in: int = os.getpid()
        told = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        self.process, self.user, _ = _CREDENTIALS.unpack(told)

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def send(self, data: object, timeout: float) -> None:
        """Send one line.

        Raises:
            OSError: The other end has closed, or does not read.
        """
        self._socket.settimeout(max(timeout, 0.001))
        self._socket.sendall(data.encode() if isinstance(data, str) else json.dumps(data).encode())
        self._socket.sendall(b"\n")

    def received(self) -> list[Any]:
        """The lines that are there, without waiting; sets `ended` where the other end closed.

        Raises:
            ValueError: A line is too long, or no JSON.
        """
        self._socket.setblocking(False)
        with suppress(BlockingIOError, InterruptedError):
            while not self.ended and len(self._read) <= self._most:
                piece = self._piece()
                self.ended = not piece
                self._read += piece
        *lines, rest = bytes(self._read).split(b"\n")
        self._read = bytearray(rest)
        if len(rest) > self._most:
            raise ValueError(f"a line of more than {self._most} bytes")
        try:
            return [json.loads(one) for one in lines]
        except RecursionError as error:
            raise ValueError("a line is nested too deep") from error

    def _piece(self) -> bytes:
        try:
            return self._socket.recv(_PIECE)
        except ConnectionError:
            return b""

    def shut(self) -> None:
        """Say no more: the other end finds that this one has ended."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection. Harmless twice."""
        self._socket.close()


def address_of(text: str | os.PathLike[str]) -> str:
    """An address as the system takes it.

    Raises:
        TypeError, ValueError: It is no text, or too short or long for a socket.
    """
    name = os.fspath(text)
    if not isinstance(name, str):
        raise TypeError(f"address is {text!r:.80}; a path, or '@name', is right")
    if not name.strip("@") or "\0" in name or len(os.fsencode(name)) > 100:
        raise ValueError(f"address is {name!r}; a path, or '@name', of 1 to 100 bytes is right")
    return "\0" + name[1:] if name.startswith("@") else name


def _new() -> socket.socket:
    return unshared(partial(socket.socket, socket.AF_UNIX, socket.SOCK_STREAM))


def connect(text: str, timeout: float) -> Line:
    """Connect to whoever listens.

    Raises:
        ConnectionError: Nobody does, or another user.
    """
    connected = _new()
    try:
        connected.settimeout(timeout)
        connected.connect(address_of(text))
        line = Line(connected)
        if line.user not in (os.getuid(), 0):
            raise ConnectionError(f"it is of user {line.user}, not of {os.getuid()}")
    except OSError as error:
        connected.close()
        raise ConnectionError(f"nobody publishes at {text!r}: {error}") from error
    return line


def listen(text: str) -> socket.socket:
    """Listen at an address; a socket that a killed process left there is replaced.

    Raises:
        BusyError: Somebody listens there.
        OSError: The address cannot be had.
    """
    address = address_of(text)
    listening = _new()
    try:
        _bind(listening, address, text)
        if not address.startswith("\0"):
            os.chmod(address, stat.S_IRUSR | stat.S_IWUSR)
        listening.listen()
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _bind(listening: socket.socket, address: str, text: str) -> None:
    try:
        listening.bind(address)
        return
    except OSError:
        if not _is_left(address):
            if address.startswith("\0") or _is_socket(address):
                raise BusyError(f"somebody publishes at {text!r} already") from None
            raise
    with suppress(FileNotFoundError):
        os.unlink(address)
    listening.bind(address)


def _is_socket(address: str) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(address).st_mode)
    except OSError:
        return False


def _is_left(address: str) -> bool:
    """Whether a socket's file is there, and nobody listens."""
    if address.startswith("\0") or not _is_socket(address):
        return False
    with _new() as trying:
        try:
            trying.connect(address)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def accept(listening: socket.socket) -> Line | None:
    """Whoever asks to be connected; None: nobody, or another user."""
    try:
        connected = unshared(lambda: listening.accept()[0])
    except (BlockingIOError, ConnectionError):
        return None
    line = Line(connected, most=1 << 16)
    if line.user in (os.getuid(), 0):
        return line
    line.close()
    return None


def ready(ends: list[Any], seconds: float) -> list[Any]:
    """Those of some ends that have something to be read, once one has or time is up."""
    poll, by_number = select.poll(), {end.fileno(): end for end in ends}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(max(seconds, 0.0) * 1000)]
