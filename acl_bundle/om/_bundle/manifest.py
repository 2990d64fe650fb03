"""The manifest of a compiled bundle: a JSON file beside it, ``<bundle>.json``.

A compiler gives names of its own and keeps little of what it was told. The
manifest says what went in: each weight under its author's name, its dtype and
shape in the model, what GE calls it, and how the bundle was compiled. A weight
program is a file of its own, ``<bundle>.program``, for it may be large. A digest
ties both to the bundle: see `digest`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from acl_bundle._base.files import Path_, map_regular, open_regular
from acl_bundle._base.json import crowded
from acl_bundle.errors import BundleFormatError

FORMAT: Final = "acl_bundle manifest 1"
"""What the key "format" holds."""
SUFFIX: Final = ".json"
PROGRAM_SUFFIX: Final = ".program"
BESIDE: Final = "beside"
"""The key that says that the program was kept beside a bundle that came without it."""
SIGN_BYTES: Final = 24
"""See `crowded`. A row takes 150 bytes and more, and has seven signs."""
_PIECES: Final = 256
_PIECE: Final = 64 << 10


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
        made: Everything else: versions, SoC, options.
        digest: The `digest` of that file; "" where an older release wrote none.
    """

    path: str
    weights: tuple[ManifestWeight, ...]
    nbytes: int
    program: memoryview | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    def own(self, names: list[str], file: str) -> list[str]:
        """Return the own name of each weight, in order of the names that the graphs have for them.

        Raises:
            BundleFormatError: The bundle has other weights.
        """
        named = {one.ge_name: one.name for one in self.weights}
        found = set(names)
        if found != named.keys():
            odd = ", ".join(map(repr, sorted(found ^ named.keys())))
            raise BundleFormatError(
                f"{self.path}: this manifest is of another bundle than {file}: only one of the two"
                f" has the weights {odd}. {self._way_out}"
            )
        return [named[name] for name in names]

    @property
    def _way_out(self) -> str:
        which = "it" if self.program is None else f"it and {self.program_path}"
        return f"Compile anew; or remove {which}, and the bundle has the graph's names"

    def check_size(self, nbytes: int, file: str) -> None:
        """Refuse a bundle of another size.

        Raises:
            BundleFormatError: It is one.
        """
        if nbytes != self.nbytes:
            raise BundleFormatError(
                f"{self.path}: this manifest is of a bundle of {self.nbytes} bytes, but {file} has"
                f" {nbytes}. {self._way_out}"
            )

    def check_digest(self, found: str, file: str) -> None:
        """Refuse another bundle of the same size.

        Raises:
            BundleFormatError: It is one.
        """
        if self.digest and found != self.digest:
            raise BundleFormatError(
                f"{self.path}: this manifest is of another bundle than {file}, of the same size but"
                f" other content: its digest is {self.digest}, the file's {found}. {self._way_out}"
            )

    @property
    def program_path(self) -> str:
        """Where the weight program stands, if there is one."""
        return f"{self.path.removesuffix(SUFFIX)}{PROGRAM_SUFFIX}"

    def to_json(self) -> str:
        """Return the text of the file."""
        rows = [{**vars(one), "shape": list(one.shape)} for one in self.weights]
        program = None
        if self.program is not None:
            program = {
                "file": os.path.basename(self.program_path),
                "nbytes": self.program.nbytes,
                "digest": digest(self.program),
            }
        data = {
            "format": FORMAT, "nbytes": self.nbytes, "digest": self.digest, "weights": rows,
            "program": program,
        }  # fmt: skip
        return json.dumps({**data, **self.made}, indent=2, ensure_ascii=False) + "\n"


def digest(data: memoryview, whole: Iterable[memoryview] = ()) -> str:
    """Return what tells a file from others, at a cost that does not grow with its size.

    It is a SHA-256, of all bytes of a file up to 16 MiB. Of a larger one it is of the
    length, of the parts in ``whole``, and of 256 pieces of 64 KiB, spread evenly.

    Args:
        data: The file.
        whole: Parts of it that count with every byte however large it is.
    """
    found = hashlib.sha256(len(data).to_bytes(8, "little"))
    for piece in [data] if len(data) <= _PIECES * _PIECE else [*whole, *_spread(data)]:
        found.update(piece)
    return found.hexdigest()


def _spread(data: memoryview) -> Iterator[memoryview]:
    """Yield pieces of it, the first and the last among them."""
    for number in range(_PIECES):
        at = number * (len(data) - _PIECE) // (_PIECES - 1)
        yield data[at : at + _PIECE]


def path_of(bundle: Path_) -> str:
    """Return where the manifest of a bundle file stands."""
    return f"{os.fspath(bundle)}{SUFFIX}"


def beside(bundle: Path_) -> Manifest | None:
    """Read the manifest of a bundle file; None where there is none.

    A JSON file of that name without our "format" is somebody else's and counts as none.

    Raises:
        BundleFormatError: It is damaged, or of a later release; of it and the weight program,
            one is missing.
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
        _check_alone(path, "is missing")
        return None
    except ValueError as error:  # of JSON or of UTF-8
        _check_alone(path, f"is no JSON ({error})")
        raise BundleFormatError(f"{path}: this is no JSON ({error}); remove it") from None
    said = data.get("format") if isinstance(data, dict) else None
    if not (isinstance(said, str) and said.startswith("acl_bundle manifest")):
        _check_alone(path, "is no manifest of a bundle")
        return None
    if said != FORMAT:
        raise BundleFormatError(f"{path}: its format is {said!r}; this release reads {FORMAT!r}")
    try:
        return _manifest(path, data)
    except FileNotFoundError as error:
        raise BundleFormatError(
            f"{error.filename} is missing: it is the weight program that {path} speaks of, without"
            f" which {os.fspath(bundle)} takes no update. Put it back, or compile anew"
        ) from None
    except (KeyError, TypeError, ValueError) as error:
        raise BundleFormatError(f"{path}: this manifest is damaged: {error!r}") from None


def _check_alone(path: str, why: str) -> None:
    """Refuse a weight program without its manifest, of which it is said why it is none."""
    bundle = path.removesuffix(SUFFIX)
    if os.path.exists(program := f"{bundle}{PROGRAM_SUFFIX}"):
        raise BundleFormatError(
            f"{path} {why}: {program} is there, the weight program of {bundle}, which only"
            " that manifest names. Without it an update would take the graph's own constants, some"
            " of them under a trainer's names. Put it back, or compile anew; or move the program to"
            " another name, to load the bundle as it is"
        )


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
        if key not in ("format", "nbytes", "digest", "weights", "program")
    }
    told = _text(data.get("digest", ""))
    found = Manifest(path, weights, int(data["nbytes"]), None, rest, told)
    program = data.get("program")
    return found if program is None else replace(found, program=_program(found, program))


def _program(manifest: Manifest, said: Any) -> memoryview:
    """Map the weight program that a manifest speaks of."""
    path = manifest.program_path
    if said["file"] != os.path.basename(path):
        raise ValueError(f"its program is {said['file']!r}; {os.path.basename(path)!r} is right")
    data = map_regular(path)
    if data.nbytes != said["nbytes"]:
        raise ValueError(f"{path} has {data.nbytes} bytes, where it says {said['nbytes']}")
    if said.get("digest", found := digest(data)) != found:
        raise ValueError(f"{path} is another program than the one it was written with")
    return data


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
