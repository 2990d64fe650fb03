"""The steps of programs that work on images, and pictures as numpy arrays."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..face import Acl

Pixels = NDArray[np.uint8]
NV12, NV21, RGB, BGR, RGBA, GREY, UNKNOWN = 1, 2, 12, 13, 16, 0, 10000
ROW = {RGB: 3, BGR: 3, RGBA: 4, 11: 3, 7: 2, 8: 2, 9: 2, 10: 2, 14: 4, 15: 4, 17: 4}
"""Bytes of a pixel in a row, where it is not 1."""
HALVES = {NV12: 3, NV21: 3, 3: 4, 4: 4, 5: 6, 6: 6, 1000: 4, 1001: 4}
"""The size of a picture in halves of stride * rows, where it is not 2."""


def up(size: int, step: int) -> int:
    """Round up."""
    return -(-size // step) * step


def scene(height: int, width: int, channels: int = 3) -> Pixels:
    """A picture with slopes, edges and some noise."""
    rng = np.random.default_rng(height * 10007 + width)
    y, x = np.mgrid[0:height, 0:width]
    planes = [
        127 + 100 * np.sin(x / (7 + 3 * i)) * np.cos(y / (11 + 2 * i)) + 20 * ((x // 16 + i) % 2)
        for i in range(channels)
    ]
    noisy = np.stack(planes, -1) + rng.normal(0, 3, (height, width, channels))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def jpeg(pixels: Pixels, subsampling: str = "4:2:0", quality: int = 90, **save: Any) -> bytes:
    """A JPEG of the pixels."""
    file = io.BytesIO()
    image = Image.fromarray(pixels if pixels.ndim == 2 or pixels.shape[2] > 1 else pixels[..., 0])
    image.save(file, "JPEG", quality=quality, subsampling=subsampling, **save)
    return file.getvalue()


def png(pixels: Pixels, **save: Any) -> bytes:
    """A PNG of the pixels."""
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "PNG", **save)
    return file.getvalue()


def decoded(data: bytes, mode: str = "RGB") -> Pixels:
    """What Pillow makes of a file: RGB, or a JPEG's YCbCr as it is."""
    image: Any = Image.open(io.BytesIO(data))
    if mode == "YCbCr":
        image.draft("YCbCr", image.size)
    return np.asarray(image if mode == "YCbCr" else image.convert(mode))


class Media:
    """A channel and a stream, and pictures in device memory."""

    def __init__(self, acl: Acl) -> None:
        self.acl = acl
        self.channel = acl.acldvppCreateChannelDesc()
        assert acl.acldvppCreateChannel(self.channel) == 0
        stream = acl.new("void **")
        assert acl.aclrtCreateStream(stream) == 0
        self.stream = stream[0]
        self.resize = acl.acldvppCreateResizeConfig()

    def malloc(self, size: int) -> Any:
        """Memory for media."""
        pointer = self.acl.new("void **")
        assert self.acl.acldvppMalloc(pointer, size) == 0
        return pointer[0]

    def on_device(self, data: bytes) -> Any:
        """Memory for media that holds these bytes."""
        pointer = self.malloc(len(data))
        self.acl.upload(pointer, data)
        return pointer

    def picture(
        self, form: int, width: int, height: int, *, stride: int = 0, rows: int = 0,
        size: int | None = None, step: int = 16, row_step: int = 2,
    ) -> Any:  # fmt: skip
        """A description with memory, and strides that fit unless they are given."""
        acl = self.acl
        stride = stride or max(32, up(width, step) * ROW.get(form, 1))
        rows = rows or max(6, up(height, row_step))
        need = stride * rows * HALVES.get(form, 2) // 2
        desc = acl.acldvppCreatePicDesc()
        assert acl.acldvppSetPicDescData(desc, self.malloc(max(need, 64))) == 0
        assert acl.acldvppSetPicDescFormat(desc, form) == 0
        assert acl.acldvppSetPicDescWidth(desc, width) == 0
        assert acl.acldvppSetPicDescHeight(desc, height) == 0
        assert acl.acldvppSetPicDescWidthStride(desc, stride) == 0
        assert acl.acldvppSetPicDescHeightStride(desc, rows) == 0
        assert acl.acldvppSetPicDescSize(desc, need if size is None else size) == 0
        return desc

    def shape(self, desc: Any) -> tuple[int, int, int, int, int]:
        """Format, width, height and both strides."""
        acl = self.acl
        return (
            acl.acldvppGetPicDescFormat(desc), acl.acldvppGetPicDescWidth(desc),
            acl.acldvppGetPicDescHeight(desc), acl.acldvppGetPicDescWidthStride(desc),
            acl.acldvppGetPicDescHeightStride(desc),
        )  # fmt: skip

    def fill(self, desc: Any, planes: list[Pixels]) -> Any:
        """Put planes into a picture; each has whole rows of pixels. The description."""
        form, _, _, stride, rows = self.shape(desc)
        whole = np.full(stride * rows * HALVES.get(form, 2) // 2, 255, np.uint8)
        at = 0
        for plane in planes:
            height = plane.shape[0]
            flat = plane.reshape(height, -1)
            pitch = stride * (2 if flat.shape[1] > stride else 1)
            into = whole[at : at + pitch * height].reshape(height, pitch)
            into[:, : flat.shape[1]] = flat
            at = stride * rows
        self.acl.upload(self.acl.acldvppGetPicDescData(desc), whole.tobytes())
        return desc

    def bytes_of(self, desc: Any) -> Pixels:
        """All bytes of a picture."""
        form, _, _, stride, rows = self.shape(desc)
        size = stride * rows * HALVES.get(form, 2) // 2
        data = self.acl.download(self.acl.acldvppGetPicDescData(desc), size)
        return np.frombuffer(data, np.uint8)

    def packed(self, desc: Any) -> Pixels:
        """The pixels of a packed picture."""
        form, width, height, stride, rows = self.shape(desc)
        whole = self.bytes_of(desc).reshape(rows, stride)
        return whole[:height, : width * ROW[form]].reshape(height, width, ROW[form])

    def luma(self, desc: Any) -> Pixels:
        """The Y plane of a semi-planar picture, or of a grey one."""
        _, width, height, stride, rows = self.shape(desc)
        return self.bytes_of(desc)[: stride * rows].reshape(rows, stride)[:height, :width]

    def chroma(self, desc: Any) -> Pixels:
        """The plane of pairs of a semi-planar picture."""
        form, width, height, stride, rows = self.shape(desc)
        across = 0 if form in (5, 6, 1000, 1001) else 1
        down = 1 if form in (NV12, NV21, 1000, 1001) else 0
        pitch = stride << (1 - across)
        plane = self.bytes_of(desc)[stride * rows :].reshape(-1, pitch)
        pairs = plane[: (height + down) >> down, : ((width + across) >> across) * 2]
        return pairs.reshape(pairs.shape[0], -1, 2)

    def wait(self) -> int:
        """Wait for the stream."""
        return int(self.acl.aclrtSynchronizeStream(self.stream))

    def decode(self, data: bytes, form: int, *, step: int = 64) -> Any:
        """A JPEG on the device, decoded: the description of the picture."""
        header = Image.open(io.BytesIO(data))
        width, height = header.size
        if header.getexif().get(0x0112, 1) >= 5:
            width, height = height, width
        desc = self.picture(form, width, height, step=step, row_step=16)
        status = self.acl.acldvppJpegDecodeAsync(
            self.channel, self.on_device(data), len(data), desc, self.stream
        )
        assert status == 0, self.acl.message()
        return desc
