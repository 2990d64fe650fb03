"""What a version consists of: a manifest, which is written when all that it names is there.

::

    weights-7.json          the manifest of version 7, written once, after its objects
    weights-7-3f0c….safetensors    an object of that version, written once
    LATEST                  "weights-7.json": the newest version

A manifest is JSON::

    {"format": "acl_bundle.manifest.1", "version": 7,
     "objects": [{"name": "weights-7-3f0c….safetensors", "bytes": 66560, "sha256": "…"}]}

and ``"bases": "6,5"`` in it is of a version that holds only what changed (`_versions.deltas`).

So a version is there when its manifest is, and nobody has to trust the order in which a store
shows what was written: an object that is missing, or of another size, is one that is not there yet.
"""

from __future__ import annotations

import json
import re
from secrets import token_hex
from typing import Any, Final, NamedTuple

from acl_bundle.follow._objects.store import is_name
from acl_bundle.follow._versions.stamp import bases_from, bases_text
from acl_bundle.weights._base.file import bad
from acl_bundle.weights._base.json import parse

FORMAT: Final = "acl_bundle.manifest.1"
LATEST: Final = "LATEST"
_MANIFEST: Final = re.compile(r"weights-(0|[1-9][0-9]*)\.json\Z")
_OBJECT: Final = re.compile(r"weights-(?:0|[1-9][0-9]*)-[0-9a-f]{16}\.safetensors\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


class Object(NamedTuple):
    """An object of a version: a safetensors file.

    Attributes:
        name: Below the place.
        nbytes: Its size.
        sha256: Of its bytes, in hex.
    """

    name: str
    nbytes: int
    sha256: str


class VersionManifest(NamedTuple):
    """What a version consists of.

    Attributes:
        version: Its number.
        objects: Each weight lies in one of them.
        bases: The versions that it changes, the nearest one first; none of a full one.
    """

    version: int
    objects: tuple[Object, ...]
    bases: tuple[int, ...] = ()


def manifest_name(version: int) -> str:
    """The name of a version's manifest."""
    return f"weights-{version}.json"


def number_of(name: str) -> str | None:
    """The digits of a manifest's name; None of another object."""
    found = _MANIFEST.match(name)
    return found[1] if found else None


def object_name(version: int) -> str:
    """A name that no other object has, for one of a version."""
    return f"weights-{version}-{token_hex(8)}.safetensors"


def is_object(name: str) -> bool:
    """Say whether a publisher gave an object its name."""
    return _OBJECT.match(name) is not None


def encoded(manifest: VersionManifest) -> bytes:
    """Return a manifest as it is written."""
    found: dict[str, Any] = {"format": FORMAT, "version": manifest.version}
    if manifest.bases:
        found["bases"] = bases_text(manifest.bases)
    found["objects"] = [
        {"name": one.name, "bytes": one.nbytes, "sha256": one.sha256} for one in manifest.objects
    ]
    return json.dumps(found, indent=1).encode()


def decoded(raw: bytes, version: int, place: str) -> VersionManifest:
    """Return what a manifest says.

    Args:
        raw: As it was read.
        version: Of which version it has the name.
        place: What messages call it.

    Raises:
        WeightsFormatError: It is no manifest, or another version's.
    """
    found = parse(raw, place, "the manifest")
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise bad(place, f"it is no manifest of a version: its format is not {FORMAT!r}")
    if type(found.get("version")) is not int or found["version"] != version:
        raise bad(place, f"it is of version {found.get('version')!r}; {version} is right")
    objects = found.get("objects")
    if not isinstance(objects, list) or not objects:
        raise bad(place, "it names no objects; a list of at least one is right")
    named = tuple(_object(one, place) for one in objects)
    if len({one.name for one in named}) < len(named):
        raise bad(place, "it names an object twice; each once is right")
    bases = found.get("bases")
    return VersionManifest(version, named, () if bases is None else bases_from(str(bases), place))


def _object(found: object, place: str) -> Object:
    if isinstance(found, dict):
        name, nbytes, sha256 = (found.get(one) for one in ("name", "bytes", "sha256"))
        whole = type(nbytes) is int and 0 <= nbytes < 1 << 48
        if is_name(name) and whole and isinstance(sha256, str) and _SHA256.match(sha256):
            return Object(str(name), int(str(nbytes)), sha256)
    raise bad(
        place,
        f"it names the object {str(found)[:200]!r}; a name beside it, bytes >= 0 and sha256 in hex"
        " are right",
    )
