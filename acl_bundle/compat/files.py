"""Feeds that are files, and outputs that become files: ais_bench's `run_pipeline`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle.compat.feeds import listed
from acl_bundle.compat.shape_choices import ShapeChoices, shaped
from acl_bundle.compat.tensors import Tensor
from acl_bundle.spec import TensorSpec

__all__ = ["FilesRun"]

_FORMATS = ("BIN", "NPY", "TXT")
_RANDOM = "pure_infer_data_random"
Array = NDArray[Any]
Paths = Sequence[str | os.PathLike[str]]


class FilesRun(ShapeChoices):
    """What a session of ais_bench has for files: .npy, or the bytes of an array."""

    def _answers(self, given: Iterator[list[Any]]) -> Iterator[list[Array]]:
        raise NotImplementedError

    def create_tensor_from_fileslist(self, desc: Any, files: Paths) -> Tensor:
        """Make a feed of the bytes of files, one behind the other: .npy, or raw.

        Raises:
            OSError: A file cannot be read.
            ValueError: The bytes are no whole number of elements, or a .npy is none.
        """
        dtype = np.dtype({"double64": "float64"}.get(desc.datatype.name, desc.datatype.name))
        parts = [
            _loaded(path).tobytes() if _is_npy(path) else Path(path).read_bytes() for path in files
        ]
        return Tensor(np.frombuffer(b"".join(parts), dtype))

    def run_pipeline(
        self,
        infilelist: Sequence[Paths],
        output: str | os.PathLike[str],
        auto_shape: bool = False,
        auto_dims: bool = False,
        outfmt: str = "BIN",
        pure_infer_mode: bool = False,
        extra_session: Sequence[FilesRun] | None = None,
    ) -> None:
        """Run for each of many lists of files, one file for each input.

        Files are read, and outputs written, while others are computed. The first output of
        ["a/x.npy", "a/y.npy"] becomes x_0.bin. Two lists whose first files have one name, but for
        folder and suffix, or that begin with one file and go on otherwise, are refused before
        anything runs: the outputs of one would be lost. So is an output that would replace a file
        of the lists.

        Args:
            infilelist: Lists of files, .npy or raw.
            output: The folder for outputs; "" for none. It is made if it is not there.
            auto_shape: Whether the file has open shapes, which .npy say. Without it they may,
                too, and a raw file has the shape that was chosen.
            auto_dims: The same for a file with dims to choose from.
            outfmt: BIN, NPY or TXT.
            pure_infer_mode: Whether files are not read: inputs are zeros, or random for
                "pure_infer_data_random".
            extra_session: Others, which take their share at the same time.

        Raises:
            ValueError: The file has another mode; there are too few or too many files; a file's
                bytes do not fit, or it has no shape where one is asked for; an output would
                replace another one, or a file of the lists.
            TypeError: A dtype does not fit, or a list is none.
            OSError: A file cannot be read or written.
            ClosedError: `free_resource` was called.
            AclError: A call into the library failed.
        """
        if outfmt not in _FORMATS:
            raise ValueError(f"outfmt is {outfmt!r}; {', '.join(_FORMATS)} are right")
        many = [listed(files, "each of infilelist") for files in listed(infilelist, "infilelist")]
        sessions = [self, *([] if extra_session is None else extra_session)]
        asked = [mode for mode, one in (("dymshape", auto_shape), ("dymdims", auto_dims)) if one]
        for session in sessions:
            if not isinstance(session, FilesRun):
                raise TypeError(f"extra_session has {session!r}; sessions are right")
            for mode in asked:
                session._check_mode(mode)
        for at, files in enumerate(many):
            sessions[at % len(sessions)]._check_files(files)
        folder = Path(output) if os.fspath(output) else None
        if folder is not None:
            if not pure_infer_mode:
                _check_names(many, folder, outfmt)
            folder.mkdir(parents=True, exist_ok=True)

        def work(at: int) -> None:
            session, share = sessions[at], many[at :: len(sessions)]
            given = (session._of_files(files, bool(asked), pure_infer_mode) for files in share)
            for files, outputs in zip(share, session._answers(given), strict=True):
                if folder is not None:
                    for index, array in enumerate(outputs):
                        _write(folder / f"{Path(files[0]).stem}_{index}", array, outfmt)

        if len(sessions) == 1:
            work(0)
            return
        with ThreadPoolExecutor(len(sessions)) as pool:
            list(pool.map(work, range(len(sessions))))

    def _check_files(self, files: Sequence[Any]) -> None:
        if len(files) != len(self._inputs):
            names = ", ".join(spec.name for spec in self._inputs)
            raise ValueError(f"there are {len(files)} files in a list; the inputs are {names}")

    def _of_files(self, files: Paths, own_shape: bool, pure: bool) -> list[Any]:
        shapes = self._chosen or [spec.shape for spec in self._inputs]
        made = []
        for path, spec, shape in zip(files, self._inputs, shapes, strict=True):
            if pure:
                made.append(_invented(Path(path).name, spec, shape))
                continue
            array = _read(path, spec, own_shape)
            made.append(array if own_shape else shaped(array, shape))
        return made


def _check_names(many: Sequence[Paths], folder: Path, outfmt: str) -> None:
    """Refuse lists whose outputs would replace each other's, or files of the lists."""
    first: dict[str, list[str]] = {}
    for files in many:
        own = [os.path.abspath(one) for one in files]
        stem = Path(own[0]).stem
        other = first.setdefault(stem, own)
        if other != own:
            mine, its = (own, other) if own[0] == other[0] else (own[0], other[0])
            raise ValueError(
                f"the outputs of {mine} and {its} would have one name, {stem}_0 and so"
                " on; give files of other names, or run them into a folder each"
            )
    suffix, place = f".{outfmt.lower()}", os.path.realpath(folder)
    for path in (Path(os.path.realpath(one)) for files in many for one in files):
        stem, _, number = path.stem.rpartition("_")
        if (
            stem in first
            and number.isdecimal()
            and (path.suffix, str(path.parent)) == (suffix, place)
        ):
            raise ValueError(
                f"an output of {first[stem][0]} would replace the input {path}; run into another"
                " folder"
            )


def _read(path: str | os.PathLike[str], spec: TensorSpec, own_shape: bool) -> Array:
    if _is_npy(path):
        return _loaded(path)
    if own_shape:
        raise ValueError(f"{os.fspath(path)} is no .npy, and has no shape for {spec.name!r}")
    held = Path(path).read_bytes()
    if len(held) % spec.dtype.itemsize:
        raise ValueError(
            f"{os.fspath(path)} has {len(held)} bytes, no whole number of {spec.dtype}s for"
            f" {spec.name!r}"
        )
    return np.frombuffer(held, spec.dtype)


def _is_npy(path: str | os.PathLike[str]) -> bool:
    return Path(path).suffix.lower() == ".npy"


def _loaded(path: str | os.PathLike[str]) -> Array:
    try:
        found = np.load(path)
        if isinstance(found, np.ndarray):
            return found
        found.close()
        why = "it holds several arrays"
    except (ValueError, EOFError) as error:
        why = str(error)
    raise ValueError(f"{os.fspath(path)} is no array of numbers in numpy's format: {why}")


def _invented(name: str, spec: TensorSpec, shape: tuple[int, ...]) -> Array:
    if min(shape, default=0) < 0:
        raise ValueError(f"{spec.name!r} has open dims, {shape}; choose a shape before")
    if name != _RANDOM:
        return np.zeros(shape, spec.dtype)
    return np.random.default_rng().integers(0, 2, shape).astype(spec.dtype)


def _write(stem: Path, array: Array, outfmt: str) -> None:
    path = stem.with_name(f"{stem.name}.{outfmt.lower()}")
    if outfmt == "NPY":
        np.save(path, array)
    elif outfmt == "BIN":
        array.tofile(path)
    else:
        rows = array.reshape(-1, array.shape[-1] if array.ndim else 1)
        np.savetxt(path, rows, "%.9g" if rows.dtype.kind == "f" else "%d")
