"""docs/errors.md is acl_bundle.errors for people: each exception and each status, nothing else.

``python -m tests.laws.test_errors_page`` writes the page anew.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from acl_bundle import errors
from acl_bundle.errors.codes import CODES

from .ways_of_statuses import WAYS as WAYS_OF_STATUSES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "errors.md"
RAISED = re.compile(r"^    E_\w+ = (\d{6})\b", re.MULTILINE)

HEAD = """\
# Errors

What can go wrong, why, and the way out. `help(acl_bundle.errors)` draws the tree of exceptions. All
are `AclBundleError`s; `ValueError` and `TypeError` proper are for arguments that never reached the
library. A message names the thing, its value, and what would be right.

This page is written from `acl_bundle/errors/codes.py` and the exceptions' docstrings; a test keeps
it complete. What the fake finds beside statuses are [violations](violations.md); what a
server answers is in [its table](server.md#when-there-is-no-answer).

## Exceptions

| exception | cause | way out |
|---|---|---|
"""

WAYS = {
    "LibraryNotFoundError": (
        "source CANN's `set_env.sh`, name the library with `ACL_BUNDLE_LIBRARY`, or call "
        "`fake.activate()`; `acl-bundle doctor` shows each attempt"
    ),
    "UnsupportedError": (
        "install the extra that the message names, take a CANN that has the function, or do "
        "without the option"
    ),
    "ClosedError": ("load again; after a fork load in the child, as devices do not pass over it"),
    "RoleError": (
        "call a graph that there is: the message names them; `acl-bundle inspect` shows the file"
    ),
    "BundleFormatError": (
        "make the file again, or copy it whole; a model file that is no bundle loads as well, "
        "and only infers"
    ),
    "WeightsFormatError": (
        "write the file again; the message says which part is wrong; links must stay in the folder"
    ),
    "WeightError": (
        'give the name, shape and dtype that the message names; `cast="same_kind"` narrows '
        'floats, `unknown="ignore"` passes over other names'
    ),
    "SignatureError": (
        "sign with the key that the follower has; until then the version is not applied"
    ),
    "VersionExistsError": "publish under a higher number",
    "UpdateError": ("the weights are as they were; mend what the message names and update again"),
    "VersionError": "stage the update again, for the version that holds now",
    "SourceChangedError": (
        "load the file as it is now; keep a loaded file until the bundle is closed"
    ),
    "CompileError": "mend what the message says of the `.step`; `.status` is GE's own",
    "BusyError": 'wait (`when_busy="wait"`), or try again later',
    "PoisonedError": (
        "`bundle.init()`, `restore(snapshot)` or an update of every weight makes it whole"
    ),
    "LibraryError": (
        "report it with what `acl-bundle doctor` prints: the library broke its own contract"
    ),
    "AclError": (
        "look the code up below; `.function`, `.code`, `.name` and `.detail` are its parts"
    ),
    "AclUsageError": (
        "mend the call: `.detail` has the library's own text, and the fake says which argument"
    ),
    "AclResourceError": (
        "close what is not used, take a smaller batch, fewer replicas or another device"
    ),
    "AclServiceError": "wait for the service, or restart it",
    "AclInternalError": "read the device's log; if the device was lost, close, and load again",
    "AclTimeoutError": (
        "give a longer `timeout=`, or stop the device's other work; the run may still be under way"
    ),
}

CODES_HEAD = """
## Statuses of the library

An `AclError` has one of these as `.code`, and the name as `.name`. A code that is not listed here
is an `AclInternalError` named by its number. The fake answers the same codes as CANN, for the same
reasons ([facts](facts.md)).

Each status that the fake or this package raises has a way out of its own. The others come from a
device alone; for them the way out above their table holds. Begin with `.detail`, or
`aclGetRecentErrMsg()` in C: it names the argument, its value and what would be right.
"""

FAMILIES = {
    1: ("Usage: the program can mend it", "AclUsageError"),
    2: ("Resources: something is used up or missing", "AclResourceError"),
    3: ("Services: one is in the wrong state", "AclServiceError"),
    5: ("Internal: the stack below failed", "AclInternalError"),
}


def exceptions() -> list[type[errors.AclBundleError]]:
    """Every exception below `AclBundleError`, in the order of the file."""
    return [
        value
        for value in vars(errors).values()
        if inspect.isclass(value)
        and issubclass(value, errors.AclBundleError)
        and value is not errors.AclBundleError
    ]


def cause(exception: type[errors.AclBundleError]) -> str:
    """The first sentence of the docstring."""
    return (inspect.getdoc(exception) or "").partition("\n")[0].rstrip(".")


def page() -> str:
    """The page as it should be."""
    rows = [f"| `{one.__name__}` | {cause(one)} | {WAYS[one.__name__]} |" for one in exceptions()]
    text = HEAD + "\n".join(rows) + "\n" + CODES_HEAD
    for digit, (title, exception) in FAMILIES.items():
        text += f"\n### {title}\n\n`{exception}`: {WAYS[exception]}.\n\n"
        text += "| code | name | meaning | way out |\n|---|---|---|---|\n"
        for code, (name, meaning) in CODES.items():
            if code // 100000 == digit:
                text += f"| {code} | {name} | {meaning} | {WAYS_OF_STATUSES.get(code, '')} |\n"
    return text


def raised() -> set[int]:
    """Every status that the fake returns, and those that the package acts on."""
    fakes = (ROOT / "fakes" / "base" / "codes.h").read_text(encoding="utf-8")
    package = {
        value
        for name, value in vars(errors).items()
        if name.isupper() and isinstance(value, int) and value in CODES
    }
    return {int(code) for code in RAISED.findall(fakes)} | package


def test_the_page_is_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"run python -m {__name__}"


def test_every_exception_has_a_way_out() -> None:
    assert {one.__name__ for one in exceptions()} == {*WAYS}


def test_every_status_that_is_raised_has_a_way_out_of_its_own() -> None:
    assert len(raised()) > 60
    assert {*WAYS_OF_STATUSES} == raised()
    assert len({*WAYS_OF_STATUSES.values()}) == len(WAYS_OF_STATUSES)
    assert [code for code in raised() if not CODES[code][1]] == []


def test_every_code_has_a_family_whose_exception_it_raises() -> None:
    assert {code // 100000 for code in CODES} == {*FAMILIES}
    for code in CODES:
        error = errors.from_status("aclInit", code)
        assert isinstance(error, getattr(errors, FAMILIES[code // 100000][1])), code


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
