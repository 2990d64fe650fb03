"""Digests of the variables' bytes, read back from the device: kept, and compared later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from acl_bundle._base.wait import Wait
from acl_bundle._plan.unchanged import hasher
from acl_bundle._run.published import Version
from acl_bundle._update._commit.commit import tell
from acl_bundle._update._commit.writer import Writer
from acl_bundle.errors import UnsupportedError, UpdateError


def reader(writer: Writer) -> Callable[[Version], None]:
    """Return a function that reads the variables back and keeps their digests.

    Raises:
        UnsupportedError: The variables are the library's, or xxhash is missing.
    """
    area, new, variables = writer.area, hasher().xxh3_128, writer.variables
    if area is None:
        raise UnsupportedError(
            "digest=True reads the variables' memory, which is the library's here;"
            " load with variables='owned'"
        )

    def read_back(version: Version) -> None:
        try:
            digests = area.digests(new)
        except BaseException as error:
            tell(error, f"version {version!r} is in place, but was not read back")
            raise
        variables.annotate(replace(variables.published, digests=digests))

    return read_back


def verify(writer: Writer) -> None:
    """See `Bundle.verify`."""
    new = hasher().xxh3_128
    if writer.area is None:
        raise UnsupportedError(
            "verify reads the variables' memory, which is the library's here;"
            " load with variables='owned'"
        )
    with writer.alone("verify", Wait()):
        published = writer.variables.published
        if not published.digests:
            raise UpdateError(
                f"nobody read version {published.version!r} back: update with digest=True"
            )
        found = writer.area.digests(new)
    wrong = [name for name, digest in published.digests.items() if found[name] != digest]
    if wrong:
        raise UpdateError(
            f"{', '.join(name or 'the variables' for name in wrong)} changed on the device"
            f" since version {published.version!r} was published"
        )
