"""What can go wrong, as a tree.

::

    AclBundleError
     ├ LibraryNotFoundError (OSError)          libascendcl.so could not be opened
     ├ UnsupportedError (NotImplementedError)  the library lacks what is asked
     ├ ClosedError (ValueError)                used after close(), or after a fork
     ├ RoleError (AttributeError)              no such graph, or the graph has another role
     ├ BundleFormatError (ValueError)          the bytes are not the file they should be
     ├ WeightsFormatError (ValueError)         a weights file is damaged, or of no known format
     │  └ SignatureError                       a version is not signed, or not as this one
     ├ WeightError (ValueError)                a weight's name, shape, dtype or value is wrong
     ├ VersionExistsError (ValueError)         somebody has published that version
     ├ UpdateError (RuntimeError)              the weights cannot be saved, restored or verified
     │  └ VersionError                         the version is not the one that was expected
     ├ SourceChangedError (RuntimeError)       what was loaded is wanted again, and is another now
     ├ CompileError (RuntimeError)             a step of compiling for a chip failed
     ├ BusyError (RuntimeError)                others use the bundle, and waiting was not wanted
     ├ PoisonedError (RuntimeError)            a commit failed: the weights may be a mixture
     ├ LibraryError (RuntimeError)             the library answered what cannot be
     └ AclError (RuntimeError)                 a call of the library returned non-zero
        ├ AclUsageError      1xxxxx            the program can mend it
        ├ AclResourceError   2xxxxx            memory, stream, device or feature missing
        ├ AclServiceError    3xxxxx            a service is in the wrong state
        └ AclInternalError   5xxxxx and others the stack below failed
           └ AclTimeoutError (TimeoutError)     the device was not done in time

``ValueError`` and ``TypeError`` proper are for what never reached C.
"""

from __future__ import annotations

from errno import ETIMEDOUT
from typing import Any

from acl_bundle.errors.codes import CODES
from acl_bundle.errors.text import told
from acl_bundle.errors.text import visible as visible

STUB_LIBRARY = 100039
INVALID_PARAM = 100000
REPEAT_INITIALIZE = 100002
BAD_ALLOC = 200000
CONTEXT_NULL = 107002
STREAM_TIMEOUT = 507046
EVENT_TIMEOUT = 507047


class AclBundleError(Exception):
    """Whatever this package raises of its own.

    Its text holds no control characters, and no more than 16 KiB; ``args`` has all of it.
    """

    def __str__(self) -> str:
        return told(super().__str__())


class LibraryNotFoundError(AclBundleError, OSError):
    """No libascendcl.so could be opened; the message lists every attempt."""


class UnsupportedError(AclBundleError, NotImplementedError):
    """The library that is open, or this release, lacks what was asked for."""


class ClosedError(AclBundleError, ValueError):
    """The object was closed, or belongs to the process that forked this one."""


class RoleError(AclBundleError, AttributeError):
    """The bundle has no graph of that role, or a graph's role forbids the call."""


class BundleFormatError(AclBundleError, ValueError):
    """The bytes are not the file they should be; nothing was loaded."""


class WeightsFormatError(AclBundleError, ValueError):
    """A file of weights is damaged, of an unknown format, or not to be trusted."""


class WeightError(AclBundleError, ValueError):
    """A weight's name, shape, dtype or value does not fit; nothing was changed."""


class SignatureError(WeightsFormatError):
    """A version is not signed, or altered, or published as another one, or by another key."""


class VersionExistsError(AclBundleError, ValueError):
    """Somebody has published that version already, which stays as it is; nothing was published."""


class UpdateError(AclBundleError, RuntimeError):
    """The weights cannot be saved or restored, or are not what they were; nothing was changed."""


class VersionError(UpdateError):
    """The version is not the one that an update was staged for; nothing was changed."""


class SourceChangedError(AclBundleError, RuntimeError):
    """The library would have to read again what was loaded, and it is not the same any more.

    What was loaded goes on; a second id of a graph cannot be had.
    """


class CompileError(AclBundleError, RuntimeError):
    """A step of compiling a bundle for a chip failed; no bundle was written.

    Attributes:
        step: Which: ``"toolkit"``, ``"helper"``, ``"initialize"``, ``"parse"``,
            ``"constants"``, ``"convert"``, ``"build"``, ``"save"`` or ``"check"``.
        status: What GE returned, None where it returned nothing.
    """

    def __init__(self, step: str, text: str, status: int | None = None) -> None:
        super().__init__(step, text, status)
        self.step: str = step
        self.status: int | None = status

    def __str__(self) -> str:
        return told(f"compiling failed at {self.step!r}: {self.args[1]}")


class BusyError(AclBundleError, RuntimeError):
    """Others use what was asked for, and waiting for them was not wanted; nothing was changed."""


class PoisonedError(AclBundleError, RuntimeError):
    """A commit failed and the weights may be a mixture; inference is refused."""


class LibraryError(AclBundleError, RuntimeError):
    """A call of the library succeeded with an answer that cannot be; it is not used.

    Attributes:
        function: Name of the ACL function.
        value: What it answered.
    """

    def __init__(self, function: str, value: object, right: str) -> None:
        self.function: str = function
        self.value: object = value
        super().__init__(function, value, right)

    def __str__(self) -> str:
        function, value, right = self.args
        return f"{function} answered {value!r}, which cannot be: {right}"


class AclError(AclBundleError, RuntimeError):
    """A call into the library returned non-zero.

    Attributes:
        function: Name of the ACL function, e.g. ``"aclmdlExecute"``.
        code: The status it returned.
        name: The code's name in ACL's headers, or ``"unknown"``.
        detail: What ``aclGetRecentErrMsg`` said on the same thread, or ``""``.
        where: Which graph or tensor was being worked on, or ``""``.
    """

    def __init__(self, function: str, code: int, detail: str = "") -> None:
        self.function = function
        self.code = code
        self.name: str
        self.meaning: str
        self.name, self.meaning = CODES.get(code, ("unknown", ""))
        self.detail = detail
        self.where = ""
        super().__init__(function, code, detail)

    def __str__(self) -> str:
        text = f"{self.function}: {self.name} ({self.code})"
        if self.meaning:
            text += f": {self.meaning}"
        if self.where:
            text += f" ({self.where})"
        if self.code == STUB_LIBRARY:
            text += (
                "\nThis is the stub that programs are linked against, not the driver's library."
                " Put the driver's folder before devlib on LD_LIBRARY_PATH, or name the library:"
                " ACL_BUNDLE_LIBRARY=/usr/local/Ascend/<version>/lib64/libascendcl.so"
            )
        if (self.function, self.code) == ("aclInit", INVALID_PARAM):
            text += (
                "\nA process keeps to the configuration that it first gave to aclInit, even after"
                " aclFinalize; if another library gave one, give the same file here, byte for byte:"
                " Bundle.load(..., config=path), Device(config=path) or ACL_BUNDLE_CONFIG=<path>."
                " If nobody did, a value in this one is not allowed"
            )
        return told(f"{text}\n{self.detail}" if self.detail else text)


class AclUsageError(AclError):
    """1xxxxx: an argument, an order of calls or the environment; the program can mend it."""


class AclResourceError(AclError):
    """2xxxxx: memory, streams, devices or features are exhausted or missing."""


class AclServiceError(AclError):
    """3xxxxx: a service is in the wrong state, such as a full queue."""


class AclInternalError(AclError):
    """5xxxxx and every code that is not ACL's: the stack below failed."""


class AclTimeoutError(AclInternalError, TimeoutError):
    """The device was not done in time (507046, 507047); it may be at work still.

    `where` says what stays usable meanwhile.
    """

    def __init__(self, function: str, code: int, detail: str = "") -> None:
        super().__init__(function, code, detail)
        self.errno: int | None = ETIMEDOUT

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.function, self.code, self.detail), self.__dict__


_FAMILIES: dict[int, type[AclError]] = {
    1: AclUsageError,
    2: AclResourceError,
    3: AclServiceError,
}


def from_status(function: str, code: int, detail: str = "") -> AclError:
    """Make the exception for a non-zero status, of the class its first digit names.

    The codes of a stream or event that was not done in time have their own class.
    """
    if code in (STREAM_TIMEOUT, EVENT_TIMEOUT):
        return AclTimeoutError(function, code, detail)
    family = _FAMILIES.get(code // 100_000, AclInternalError)
    return family(function, code, detail)
