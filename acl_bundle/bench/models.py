"""Models to measure: files for a device as they are, ONNX models built as asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from acl_bundle._base.files import map_regular, read_regular
from acl_bundle.answers import Where, inferring
from acl_bundle.answers import use as library
from acl_bundle.bench.axes import Dims, Shapes
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._container.gears import INPUT_NAME

if TYPE_CHECKING:
    from onnx import ModelProto

FLOAT32: Final = "float32"
DTYPES: Final = (FLOAT32, "float16", "bfloat16")
AS_IT_IS: Final = "as it is"
Source: TypeAlias = Path | bytes
"""What `Bundle.load` takes."""


class MeasuredModel(ABC):
    """A model that can be made ready to load.

    Attributes:
        inputs: Each input's dims; an open one is its name, or an empty text.
        dtypes: The precisions it can compute in.
        for_chip: Whether it was compiled for a device, so that no fake can run it.
    """

    inputs: Dims
    dtypes: tuple[str, ...]
    for_chip: bool

    @abstractmethod
    def made(self, shapes: Shapes, dtype: str, refreshable: bool = False, /) -> tuple[Source, int]:
        """Return what `Bundle.load` takes, and its size as a file in bytes.

        Args:
            shapes: Of the inputs.
            dtype: The precision.
            refreshable: Whether an ONNX model becomes a bundle, whose constants are weights
                that can be updated, and whose graph can be loaded several times.

        Raises:
            ValueError: The model cannot be built so.
        """


class MeasuredOm(MeasuredModel):
    """An .om file."""

    dtypes: tuple[str, ...] = (AS_IT_IS,)

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            BundleFormatError: It is damaged, or no .om file.
            OSError: It cannot be opened.
        """
        self._nbytes = path.stat().st_size
        model = inferring(path)
        self._source = path
        self.for_chip: bool = model.is_compiled_for_chip
        extra = INPUT_NAME
        self.inputs: Dims = {
            one.name: ["" if dim < 0 else dim for dim in one.dims]
            for one in model.inputs
            if one.name != extra
        }

    def made(self, _shapes: Shapes, _dtype: str, _: bool = False, /) -> tuple[Source, int]:
        """Return the file."""
        return self._source, self._nbytes


class MeasuredOnnx(MeasuredModel):
    """An ONNX model, with all its tensors in memory."""

    for_chip: bool = False

    def __init__(self, path: Path) -> None:
        """Read the model.

        Raises:
            ValueError: It is no ONNX model.
            OSError: It, or a file beside it, cannot be read.
        """
        self._proto = _read(path)
        self._protos = {FLOAT32: self._proto, AS_IT_IS: self._proto}
        constants = {one.name for one in self._proto.graph.initializer}
        given = [one for one in self._proto.graph.input if one.name not in constants]
        self.inputs: Dims = {
            one.name: [
                dim.dim_value if dim.dim_value > 0 else dim.dim_param
                for dim in one.type.tensor_type.shape.dim
            ]
            for one in given
        }
        self.dtypes: tuple[str, ...] = DTYPES if _has_float32(self._proto) else (AS_IT_IS,)

    def made(self, shapes: Shapes, dtype: str, refreshable: bool = False, /) -> tuple[Source, int]:
        """Build the model for the fake: constants fixed, so as one would freeze it, or weights."""
        from acl_bundle import build  # noqa: PLC0415  needs onnx
        from acl_bundle.build.half._model import halved  # noqa: PLC0415

        if dtype not in self._protos:
            self._protos[dtype] = halved(self._proto, dtype)
        proto = self._protos[dtype]
        image = (
            build.from_onnx(proto, "all", input_shapes=shapes)
            if refreshable
            else build.model(proto, input_shapes=shapes)
        )
        return image.to_bytes(), image.nbytes


def use(model: MeasuredModel) -> Where:
    """Open the library that can run a model, and say which it is: see `Where`.

    Raises:
        LibraryNotFoundError: None could be opened.
        RuntimeError: Another one is already open.
    """
    return library(for_chip=model.for_chip)


def open(path: Path) -> MeasuredModel:
    """Open a model: an .om file by its name or its first bytes, else an ONNX model.

    Raises:
        BundleFormatError: It is neither, or damaged.
        ModuleNotFoundError: It is an ONNX model, and onnx is not installed.
        OSError: It cannot be read.
    """
    magic = read_regular(path, 4)
    compiled = path.suffix == ".om" or magic == b"IMOD"
    return MeasuredOm(path) if compiled else MeasuredOnnx(path)


def _read(path: Path) -> ModelProto:
    from onnx import ModelProto  # noqa: PLC0415  for ONNX models alone

    model, data = ModelProto(), map_regular(path)
    try:
        model.ParseFromString(data)
    except Exception as error:  # protobuf's DecodeError, from a module without types
        raise BundleFormatError(
            f"{path}: this is no .om file, and no ONNX model: {error}"
        ) from None
    if not model.HasField("graph"):
        raise BundleFormatError(f"{path}: this is no .om file, and no ONNX model: it has no graph")
    _embed(model, path.parent)
    return model


def _embed(model: ModelProto, folder: Path) -> None:
    """Take the tensors that lie beside a model into it."""
    from acl_bundle.build._onnx import constants, walk  # noqa: PLC0415
    from acl_bundle.build._onnx.external import ExternalData  # noqa: PLC0415

    beside = ExternalData(folder)
    for tensor in walk.tensors(model.graph):
        if tensor.data_location == tensor.EXTERNAL:
            tensor.raw_data = bytes(constants.read(tensor, tensor.name, beside).data)
            tensor.data_location = tensor.DEFAULT
            del tensor.external_data[:]


def _has_float32(model: ModelProto) -> bool:
    from onnx import TensorProto  # noqa: PLC0415

    from acl_bundle.build._onnx import walk  # noqa: PLC0415

    constants = {tensor.data_type for tensor in walk.tensors(model.graph)}
    return TensorProto.FLOAT in constants | {*walk.elements(model.graph).values()}
