"""What a test holds in its hands as ``fake_acl``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, NoReturn, TypeVar

from acl_bundle import fake
from acl_bundle.testing.changes import PutBack

_T = TypeVar("_T", bound="int | str")


class _Setting(Generic[_T]):
    """A setting of the fake as an attribute. A value that does not fit is a ValueError."""

    def __init__(self, kind: Callable[[str], _T]) -> None:
        self._kind = kind

    def __set_name__(self, owner: type, name: str) -> None:
        self._key = name

    def __get__(self, instance: FakeAcl, owner: type) -> _T:
        return self._kind(fake.get(self._key))

    def __set__(self, instance: FakeAcl, value: _T) -> None:
        fake.set(self._key, value)


def _unknown(fixture: str, name: str) -> AttributeError:
    """Make the exception for an attribute that there is not, with those that are close."""
    there = [one for one in dir(FakeAcl) if not one.startswith("_")]
    close = get_close_matches(name, there, n=2) or there
    if name in there:
        return AttributeError(f"{fixture}.{name} cannot be set; it is a method, or only read")
    return AttributeError(f"{fixture} has no {name!r}; there is {', '.join(close)}")


class FakeAcl:
    """The fake as one test sees it: what happened, and what shall happen.

    Everything starts anew with each test; of a module's or a session's fake, what a
    test's body set is put back behind it. A program that loads
    ``libascendcl.so`` itself while the test runs, by name or by ``path``, has
    the same fake.

    Args:
        fixture: What it is called in messages.
        changes: Where faults and latencies are noted.

    Attributes:
        devices: How many devices there are, 1 to 64.
        memory: Bytes of memory per device.
        soc: The chip's name.
        mode: ``"strict"``, or ``"faithful"``: what the device does where it
            refuses nothing.
        profile: Whose times the calls take: ``"atlas-300i"``, ``"910b"``, or
            ``"none"`` for this machine's. It replaces all latencies, and
            brings `soc` and `memory` where a test has not set them.
    """

    def __init__(self, fixture: str = "fake_acl", changes: PutBack | None = None) -> None:
        object.__setattr__(self, "_fixture", fixture)
        object.__setattr__(self, "_changes", changes or PutBack())

    def __getattr__(self, name: str) -> NoReturn:
        raise _unknown(vars(self).get("_fixture", "fake_acl"), name)

    def __setattr__(self, name: str, value: object) -> None:
        if not isinstance(vars(FakeAcl).get(name), _Setting):
            raise _unknown(vars(self)["_fixture"], name)
        object.__setattr__(self, name, value)

    devices: _Setting[int] = _Setting(int)
    memory: _Setting[int] = _Setting(int)
    soc: _Setting[str] = _Setting(str)
    mode: _Setting[str] = _Setting(str)
    profile: _Setting[str] = _Setting(str)

    @property
    def path(self) -> Path:
        """The fake's library, for a program that wants to open it."""
        return fake.library_path()

    @property
    def pyacl(self) -> ModuleType:
        """pyACL on this fake: from here to the end of the test it is what ``import acl`` finds.

        It is put into ``sys.modules`` with its modules (``acl.rt``, ...), in place of any other
        module of the name, which is there again after the test.
        """
        from acl_bundle.pyacl import importing  # noqa: PLC0415  only programs of pyACL need it

        return importing.put()

    @property
    def calls(self) -> Counter[str]:
        """How often each function was called; 0 for one that was not."""
        return Counter(fake.calls())

    @property
    def live(self) -> list[dict[str, Any]]:
        """What has not been given back: kind, handle, size, created_by, seq."""
        return fake.live()

    @property
    def violations(self) -> list[dict[str, Any]]:
        """Every misuse so far: id, severity, message, function, seq."""
        return fake.violations()

    @property
    def trace(self) -> list[dict[str, Any]]:
        """Every call since ``set("trace", "on")``: function, args, status, thread, ns."""
        return fake.trace()

    @property
    def report(self) -> str:
        """What was created, destroyed and is live, and what was misused, as tables."""
        return fake.report()

    def hide(self, *patterns: str) -> None:
        """Let functions not exist, as in an older CANN; none of them without a pattern.

        Who found them before keeps them: acl_bundle at its first load in the
        process, a program when it opened the library.

        Args:
            patterns: Names, or shell patterns such as ``"aclmdlBundleInit*"``.

        Raises:
            ValueError: A pattern matches no function.
        """
        fake.set("hide", ",".join(patterns))

    def set(self, key: str, value: str | int) -> None:
        """Change any setting.

        Raises:
            ValueError: The key is unknown or the value does not fit it.
        """
        fake.set(key, value)

    def settings(self, **changes: str | int) -> AbstractContextManager[None]:
        """Change settings for the time of a ``with`` block.

        Raises:
            ValueError: A key is unknown or a value does not fit it.
        """
        return fake.settings(**changes)

    def fail(self, function: str, nth: int = 1, code: int = 507899) -> None:
        """Make the nth call from now on (0: every call) of a function return a code.

        Args:
            function: An ACL function, or ``"*"`` for all that can fail.
            nth: 1 is the next call.
            code: The status; 0 removes the fault.

        Raises:
            ValueError: The fake has no such function.
        """
        fake.fail(function, nth, code)
        vars(self)["_changes"].note_fault(function)

    def latency(self, function: str, seconds: float, seconds_per_byte: float = 0.0) -> None:
        """Let every call of a function take its time.

        Raises:
            ValueError: The fake has no such function.
        """
        fake.latency(function, seconds, seconds_per_byte)
        vars(self)["_changes"].note_latency(function, seconds, seconds_per_byte)

    def __repr__(self) -> str:
        return (
            f"<{vars(self)['_fixture']} {len(self.live)} live, {len(self.violations)} violations>"
        )
