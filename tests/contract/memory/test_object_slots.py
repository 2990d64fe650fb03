"""Objects die by the ten thousand, on many threads, and nothing stands still.

A slot is used again after 16,384 deaths, and the body in it is freed then. The program
runs apart, so that a deadlock fails a test instead of stopping all of them.
"""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import ctypes as C
import threading
from acl_bundle import fake

acl = C.CDLL(str(fake.activate()))
acl.aclmdlCreateDataset.restype = C.c_void_p
for name in ("aclmdlDestroyDataset", "aclrtDestroyEvent", "aclrtDestroyStream",
             "aclrtDestroyContext", "aclrtSetCurrentContext"):
    getattr(acl, name).argtypes = [C.c_void_p]
assert acl.aclInit(None) == 0 and acl.aclrtSetDevice(0) == 0

def of_the_device(make, end, *arguments):
    handle = C.c_void_p()
    assert make(C.byref(handle), *arguments) == 0 and end(handle) == 0

def events():
    of_the_device(acl.aclrtCreateEvent, acl.aclrtDestroyEvent)

def streams():
    of_the_device(acl.aclrtCreateStream, acl.aclrtDestroyStream)

def contexts():
    of_the_device(acl.aclrtCreateContext, acl.aclrtDestroyContext, 0)

def datasets():
    assert acl.aclmdlDestroyDataset(acl.aclmdlCreateDataset()) == 0

def devices():
    assert acl.aclrtSetDevice(1) == 0 and acl.aclrtResetDevice(1) == 0

def repeat(step, count):
    assert acl.aclrtSetDevice(0) == 0
    for _ in range(count):
        step()

def looks():
    fake.live()

work = [(events, 15000), (events, 15000), (datasets, 15000), (datasets, 15000),
        (streams, 8000), (contexts, 8000), (devices, 8000), (looks, 50)]
threads = [threading.Thread(target=repeat, args=one) for one in work]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert fake.violations() == [], fake.violations()
assert {row["kind"] for row in fake.live()} == {"device"}, fake.live()
"""


def test_threads_go_on_when_slots_are_used_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
