"""The manifest of a compiled bundle: a JSON file beside it, ``<bundle>.json``.

A compiler gives names of its own and keeps little of what it was told. The
manifest says what went in: each weight under its author's name, its dtype and
shape in the model, what GE calls it, and how the bundle was compiled. A weight
program is a file of its own, ``<bundle>.program``, for it may be large.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from acl_bundle._files import Path_, map_regular, open_regular
from acl_bundle._json import crowded
from acl_bundle.errors import BundleFormatError

FORMAT: Final = "acl_bundle manifest 1"
"""What the key "format" holds."""
SUFFIX: Final = ".json"
SIGN_BYTES: Final = 24
"""See `crowded`. A row takes 150 bytes and more, and has seven signs."""


@dataclass(frozen=True)
class ManifestWeight:
    """A refreshable weight of a compiled bundle.

    Attributes:
        name: What its author calls it, and an update.
        ge_name: What the compiled graphs call it.
        dtype: numpy's name of its dtype in the model.
        shape: Its dims in the model.
    """

    name: str
    ge_name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """What is known of a bundle beside its own file.

    Attributes:
        path: Where it stands.
        weights: In the update graph's order.
        nbytes: Bytes of the bundle file that it was written for.
        program: The weight program's bytes, mapped; None: there is none.
        made: Everything else: versions, SoC, options, digests.
    """

    path: str
    weights: tuple[ManifestWeight, ...]
    nbytes: int
    program: memoryview | None = None
    made: Mapping[str, Any] = field(default_factory=dict)

    def own(self, graph_names: Iterable[str], file: str) -> dict[str, str]:
        """Return the own name of each weight, by the name that the graphs have for it.

        Raises:
            BundleFormatError: The bundle has other weights.
        """
        named = {one.ge_name: one.name for one in self.weights}
        found = set(graph_names)
        if found != named.keys():
            odd = ", ".join(map(repr, sorted(found ^ named.keys())))
            raise BundleFormatError(
                f"{self.path}: this manifest is of another bundle than {file}: only one of the two"
                f" has the weights {odd}. Compile anew, or remove the manifest"
            )
        return named

    def check_size(self, nbytes: int, file: str) -> None:
        """Refuse a bundle of another size.

        Raises:
            BundleFormatError: It is one.
        """
        if nbytes != self.nbytes:
            raise BundleFormatError(
                f"{self.path}: this manifest is of a bundle of {self.nbytes} bytes, but {file} has"
                f" {nbytes}. Compile anew, or remove the manifest"
            )

    @property
    def program_path(self) -> str:
        """Where the weight program stands, if there is one."""
        return f"{self.path.removesuffix(SUFFIX)}.program"

    def to_json(self) -> str:
        """Return the text of the file."""
        rows = [{**vars(one), "shape": list(one.shape)} for one in self.weights]
        program = None
        if self.program is not None:
            program = {"file": os.path.basename(self.program_path), "nbytes": self.program.nbytes}
        data = {"format": FORMAT, "nbytes": self.nbytes, "weights": rows, "program": program}
        return json.dumps({**data, **self.made}, indent=2, ensure_ascii=False) + "\n"


def path_of(bundle: Path_) -> str:
    """Return where the manifest of a bundle file stands."""
    return f"{os.fspath(bundle)}{SUFFIX}"


def beside(bundle: Path_) -> Manifest | None:
    """Read the manifest of a bundle file; None where there is none.

    A JSON file of that name without our "format" is somebody else's and counts as none.

    Raises:
        BundleFormatError: It is damaged, or of a later release.
        OSError: It cannot be read.
    """
    path = path_of(bundle)
    try:
        with open_regular(path) as file:
            raw = file.read()
        why = crowded(raw, SIGN_BYTES)
        if why is not None:
            raise ValueError(f"it has {why}")
        data = json.loads(raw)
    except FileNotFoundError:
        return None
    except ValueError as error:  # of JSON or of UTF-8
        raise BundleFormatError(f"{path}: this is no JSON ({error}); remove it") from None
    said = data.get("format") if isinstance(data, dict) else None
    if not (isinstance(said, str) and said.startswith("acl_bundle manifest")):
        return None
    if said != FORMAT:
        raise BundleFormatError(f"{path}: its format is {said!r}; this release reads {FORMAT!r}")
    try:
        return _manifest(path, data)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleFormatError(f"{path}: this manifest is damaged: {error!r}") from None


def _manifest(path: str, data: dict[str, Any]) -> Manifest:
    weights = tuple(
        ManifestWeight(
            _text(row["name"]),
            _text(row["ge_name"]),
            _text(row["dtype"]),
            tuple(map(int, row["shape"])),
        )
        for row in data["weights"]
    )
    for kind in ("name", "ge_name"):
        if len({getattr(one, kind) for one in weights}) < len(weights):
            raise ValueError(f"two weights have one {kind}")
    rest = {
        key: value
        for key, value in data.items()
        if key not in ("format", "nbytes", "weights", "program")
    }
    found = Manifest(path, weights, int(data["nbytes"]), None, rest)
    program = data.get("program")
    return found if program is None else replace(found, program=_program(found, program))


def _program(manifest: Manifest, said: Any) -> memoryview:
    """Map the weight program that a manifest speaks of."""
    path = manifest.program_path
    if said["file"] != os.path.basename(path):
        raise ValueError(f"its program is {said['file']!r}; {os.path.basename(path)!r} is right")
    try:
        data = map_regular(path)
    except FileNotFoundError:
        raise ValueError(f"its weight program {path} is not there") from None
    if data.nbytes != said["nbytes"]:
        raise ValueError(f"{path} has {data.nbytes} bytes, where it says {said['nbytes']}")
    return data


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
