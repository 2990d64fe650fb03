"""Another process with the fake, for what two processes share.

`Process` starts one; its methods are those of `Program`, which run there, one after
the other. What they return comes back, and so does what they raise.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from .face import TO_DEVICE, TO_HOST, Acl

KEY = 65
HUGE_ONLY = 1


class Program:
    """What a process of a test does. Memory and keys stay there, by names."""

    def __init__(self, acl: Acl) -> None:
        self.acl = acl
        self.at: dict[str, Any] = {}

    def pid(self) -> int:
        """The number that others allow."""
        pid = self.acl.new("int32_t *")
        assert self.acl.aclrtDeviceGetBareTgid(pid) == 0
        return int(pid[0])

    def set(self, key: str, value: object) -> None:
        """Change a setting of the fake."""
        self.acl.set(key, value)

    def malloc(self, name: str, size: int, policy: int = HUGE_ONLY) -> int:
        """Device memory under a name."""
        pointer = self.acl.new("void **")
        status = int(self.acl.aclrtMalloc(pointer, size, policy))
        self.at[name] = pointer[0]
        return status

    def free(self, name: str) -> int:
        """Give it back."""
        return int(self.acl.aclrtFree(self.at[name]))

    def export(self, name: str, size: int, flags: int = 1, offset: int = 0) -> tuple[int, bytes]:
        """A key for memory."""
        key = self.acl.new(f"char[{KEY}]")
        at = self.acl.ffi.cast("char *", self.at[name]) + offset
        status = int(self.acl.aclrtIpcMemGetExportKey(at, size, key, KEY, flags))
        return status, self.acl.ffi.string(key)

    def allow(self, key: bytes, *pids: int) -> int:
        """Let processes import."""
        return int(
            self.acl.aclrtIpcMemSetImportPid(key, self.acl.new("int32_t[]", pids), len(pids))
        )

    def load(self, name: str, key: bytes, flags: int = 0) -> int:
        """Import memory under a name."""
        pointer = self.acl.new("void **")
        status = int(self.acl.aclrtIpcMemImportByKey(pointer, key, flags))
        self.at[name] = pointer[0]
        return status

    def close(self, key: bytes) -> int:
        """End an import, or an export."""
        return int(self.acl.aclrtIpcMemClose(key))

    def write(self, name: str, data: bytes, offset: int = 0) -> int:
        """Copy to the device."""
        at = self.acl.ffi.cast("char *", self.at[name]) + offset
        return int(self.acl.aclrtMemcpy(at, len(data), data, len(data), TO_DEVICE))

    def read(self, name: str, size: int, offset: int = 0) -> bytes | int:
        """Copy from the device, or the status of that."""
        host = bytearray(size)
        at = self.acl.ffi.cast("char *", self.at[name]) + offset
        status = self.acl.aclrtMemcpy(self.acl.ffi.from_buffer(host), size, at, size, TO_HOST)
        return bytes(host) if status == 0 else int(status)

    def event(self, name: str) -> bytes:
        """Make an event of several processes; its handle."""
        event = self.acl.new("aclrtEvent *")
        assert self.acl.aclrtCreateEventExWithFlag(event, 0x40) == 0
        self.at[name] = event[0]
        handle = self.acl.new("aclrtIpcEventHandle *")
        assert self.acl.aclrtIpcGetEventHandle(event[0], handle) == 0
        return bytes(self.acl.ffi.buffer(handle))

    def acl_event(self, name: str) -> int:
        """Make an event of this process that may be waited for before its first record."""
        event = self.acl.new("aclrtEvent *")
        status = int(self.acl.aclrtCreateEventWithFlag(event, 1))
        self.at[name] = event[0]
        return status

    def open_event(self, name: str, handle: bytes) -> int:
        """Open one."""
        event, given = self.acl.new("aclrtEvent *"), self.acl.new("aclrtIpcEventHandle *")
        self.acl.ffi.memmove(given, handle, len(handle))
        status = int(self.acl.aclrtIpcOpenEventHandle(given[0], event))
        self.at[name] = event[0]
        return status

    def stream(self, name: str) -> None:
        """A stream under a name."""
        stream = self.acl.new("aclrtStream *")
        assert self.acl.aclrtCreateStream(stream) == 0
        self.at[name] = stream[0]

    def slow(self, function: str, milliseconds: int) -> None:
        """Let the tasks of a function take so long."""
        assert self.acl.aclfakeLatency(function.encode(), milliseconds * 1_000_000, 0.0) == 0

    def run(self, function: str, *arguments: object) -> int:
        """Call a function with named things and plain values; its status."""
        given = [self.at.get(a, a) if isinstance(a, str) else a for a in arguments]
        return int(getattr(self.acl, function)(*given))

    def is_complete(self, name: str) -> bool:
        """What aclrtQueryEventStatus says."""
        status = self.acl.new("aclrtEventRecordedStatus *")
        assert self.acl.aclrtQueryEventStatus(self.at[name], status) == 0
        return bool(status[0] == 1)

    def message(self) -> str | None:
        """The thread's error text."""
        return self.acl.message()

    def live(self) -> list[str]:
        """Kinds of what is alive."""
        return self.acl.live()

    def violations(self) -> list[str]:
        """Ids of the violations since the last look."""
        return self.acl.violations()

    def unexplained(self) -> list[Any]:
        """Refusals that left no text."""
        return self.acl.read("unexplained")

    def reset(self) -> None:
        """As a fresh process."""
        self.acl.reset()


class Process:
    """A `Program` in a process of its own."""

    def __init__(self, acl: Acl, **environment: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__, str(acl.path), str(acl._onnxruntime)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[__name__.count(".")],
            env=os.environ | environment,
        )
        assert self._receive() is None

    def _send(self, what: object) -> None:
        assert self._child.stdin is not None
        pickle.dump(what, self._child.stdin)
        self._child.stdin.flush()

    def _receive(self) -> Any:
        assert self._child.stdout is not None
        failed, value = pickle.load(self._child.stdout)
        if failed:
            raise AssertionError(f"in the other process: {value}")
        return value

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: object) -> Any:
            self.begin(name, *arguments)
            return self._receive()

        return call

    def begin(self, name: str, *arguments: object) -> None:
        """Start a call whose answer `end` gives."""
        self._send((name, arguments))

    def end(self) -> Any:
        """The answer to the call that was begun."""
        return self._receive()

    def is_there(self) -> bool:
        """Whether it runs."""
        return self._child.poll() is None

    def kill(self) -> None:
        """End it as the system does: at once."""
        self._child.kill()
        self.leave()

    def leave(self) -> None:
        """Let it end, and wait for that."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        self._child.wait()


def main() -> None:
    library, onnxruntime = sys.argv[1:]
    source, target = sys.stdin.buffer, sys.stdout.buffer

    def answer(failed: bool, value: object) -> None:
        pickle.dump((failed, value), target)
        target.flush()

    acl = Acl(Path(library), Path(onnxruntime))
    acl.reset()
    acl.start()
    program = Program(acl)
    answer(False, None)
    while True:
        try:
            name, arguments = pickle.load(source)
        except EOFError:
            return
        try:
            answer(False, getattr(program, name)(*arguments))
        except Exception:  # the test that asked is told
            answer(True, traceback.format_exc())


if __name__ == "__main__":
    main()
