"""Two models in a row, and what lies between them never leaves the device.

A detector finds where text is in an image and gives the crops; a recogniser reads
them. The detector's outputs stay on the device (`out="device"`), the recogniser
reads them there: between the two no byte is copied. The same in steady state:
two bindings over one array that both share. The trace of the fake counts the copies.

Runs on the fake AscendCL: python examples/chained_models.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import fake

Array = NDArray[Any]
RNG = np.random.default_rng(7)
LETTERS = "abcdefghijklmnop"


def detect(image: Array, kernel: Array) -> dict[str, Array]:
    """Score each of 8 tiles of 16 columns; give the best tile's place, and all tiles brightened."""
    tiles = image.reshape(32, 8, 16).transpose(1, 0, 2)
    scores = np.einsum("tij,ij->t", tiles, kernel)
    return {"scores": scores, "crops": np.ascontiguousarray(np.clip(tiles * 2, 0, 1))}


def recognise(crops: Array, head: Array) -> dict[str, Array]:
    """A letter's logits for each tile."""
    return {"logits": crops.reshape(8, 512) @ head}


def copies(since: int) -> int:
    """How many copies the library was asked for."""
    return sum("Memcpy" in row["function"] for row in fake.trace()[since:])


def main(folder: Path) -> None:
    """Chain the two models, first by calls, then by bindings."""
    image = RNG.random((32, 128), dtype=np.float32)
    kernel, head = (RNG.standard_normal(s).astype("f4") for s in ((32, 16), (512, 16)))
    crops = np.zeros((8, 32, 16), "f4")
    fake.from_function(detect, inputs={"image": image}, weights={"kernel": kernel}).save(
        folder / "detect.om"
    )
    fake.from_function(recognise, inputs={"crops": crops}, weights={"head": head}).save(
        folder / "recognise.om"
    )
    want = recognise(detect(image, kernel)["crops"], head)["logits"]

    with (
        ab.Bundle.load(folder / "detect.om") as detector,
        ab.Bundle.load(folder / "recognise.om") as recogniser,
    ):
        detector.init()
        recogniser.init()
        fake.set("trace", "on")

        start = len(fake.trace())
        found = detector.infer.run({"image": image}, out={"crops": "device"})
        middle = len(fake.trace())
        logits = recogniser.infer(found["crops"])
        print(f"detector: {copies(start) - copies(middle)} copies (the image, the scores)")
        print(f"recogniser: {copies(middle)} copy (the logits)")
        np.testing.assert_allclose(logits, want, rtol=1e-4, atol=1e-4)
        print("reads", "".join(LETTERS[i] for i in logits.argmax(1)))

        with ab.to_device(image) as seen, ab.empty((8, 32, 16), "f4") as between:
            scores, read = np.empty(8, "f4"), np.empty((8, 16), "f4")
            first = detector.infer.bind({"image": seen}, {"scores": scores, "crops": between})
            second = recogniser.infer.bind({"crops": between}, {"logits": read})
            start = len(fake.trace())
            for _ in range(10):
                first()
                second()
            print(f"ten rounds of two bindings: {copies(start)} copies, all of results")
            np.testing.assert_allclose(read, want, rtol=1e-4, atol=1e-4)
            first.close()
            second.close()


if __name__ == "__main__":
    fake.activate()
    with tempfile.TemporaryDirectory() as place:
        main(Path(place))
    print(f"unloaded; live objects: {fake.live()}, violations: {fake.violations()}")
