"""External data: mapped from beside the model, and never from anywhere else."""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from acl_bundle import build


@pytest.fixture(name="stored")
def _stored(mlp, tmp_path):
    """The MLP with all its tensors in weights.bin."""
    path = tmp_path / "model" / "m.onnx"
    path.parent.mkdir()
    copy = onnx.ModelProto.FromString(mlp.SerializeToString())  # onnx.save empties what it saves
    onnx.save(copy, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def change(path, **entries):
    """Rewrite the external entries of the first initializer."""
    model = onnx.load(path, load_external_data=False)
    tensor = model.graph.initializer[0]
    kept = {entry.key: entry.value for entry in tensor.external_data} | entries
    del tensor.external_data[:]
    for key, value in kept.items():
        if value is not None:
            tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())


def shaped(source):
    return build.from_onnx(source, "all", input_shapes={"x": (2, 8)})


def test_same_bytes_as_inline(mlp, stored):
    """Where a tensor's bytes lie makes no difference to the bundle."""
    assert shaped(stored).to_bytes() == shaped(mlp).to_bytes()


def test_loaded_model_works(mlp, stored):
    """A ModelProto that onnx.load completed needs no folder."""
    assert shaped(onnx.load(stored)).to_bytes() == shaped(mlp).to_bytes()


def test_without_offset_and_length(mlp, stored):
    """Offset and length may be left out: from the start, as much as is needed."""
    change(stored, offset=None, length=None)
    data = (stored.parent / "weights.bin").read_bytes()
    w1 = onnx.numpy_helper.to_array(mlp.graph.initializer[0])
    assert data.startswith(w1.tobytes())
    assert shaped(stored).to_bytes() == shaped(mlp).to_bytes()


def test_bytes_have_no_folder(stored):
    """External data needs the path."""
    with pytest.raises(ValueError, match=r"'w1' lies in the file 'weights\.bin' .* pass the model"):
        shaped(stored.read_bytes())


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "", "a/../../secret.bin"])
def test_path_tricks(stored, location):
    """A location that leads out of the model's folder is refused."""
    (stored.parent.parent / "secret.bin").write_bytes(bytes(4096))
    change(stored, location=location)
    with pytest.raises(ValueError, match="a path inside the model's folder"):
        shaped(stored)


def test_link_out_of_the_folder(stored):
    """So is a symbolic link that does."""
    secret = stored.parent.parent / "secret.bin"
    secret.write_bytes(bytes(4096))
    (stored.parent / "link.bin").symlink_to(secret)
    change(stored, location="link.bin")
    with pytest.raises(ValueError, match="a path inside the model's folder"):
        shaped(stored)


@pytest.mark.parametrize("location", ["loop.bin", "a" * 300])
def test_a_location_that_cannot_be_looked_up(stored, location):
    """Links in a circle lead nowhere; nor do names longer than a file may have."""
    (stored.parent / "loop.bin").symlink_to("loop.bin")
    change(stored, location=location)
    with pytest.raises((ValueError, FileNotFoundError), match="'w1'"):
        shaped(stored)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"offset": "-1"}, "external offset of constant 'w1' is '-1'"),
        ({"offset": "1e3"}, "external offset of constant 'w1' is '1e3'"),
        ({"length": "3"}, "needs 2048 bytes, but its external data claims 3"),
        ({"offset": "999999999"}, "should take bytes 999999999 to"),
    ],
)
def test_wrong_entries(stored, entries, said):
    """Offsets and lengths that cannot be."""
    change(stored, **entries)
    with pytest.raises(ValueError, match=said):
        shaped(stored)


def test_missing_data_file(stored):
    """A file that is not there is named."""
    (stored.parent / "weights.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"weights\.bin: holds constant 'w1'"):
        shaped(stored)


def test_external_data_of_an_unknown_type(stored):
    """Only plain types may lie outside."""
    model = onnx.load(stored, load_external_data=False)
    model.graph.initializer[0].data_type = TensorProto.FLOAT8E4M3FNUZ
    stored.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="'w1' of type FLOAT8E4M3FNUZ lies outside"):
        shaped(stored)


def test_constant_node_outside(make_model, tmp_path, load):
    """A Constant node's value may be external too."""
    value = np.arange(600, dtype="f4")
    (tmp_path / "v.bin").write_bytes(b"\0" * 5 + value.tobytes())
    tensor = TensorProto(data_type=1, dims=[600], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", "v.bin"), ("offset", "5")):
        tensor.external_data.add(key=key, value=text)
    node = onnx.helper.make_node
    model = make_model(
        [node("Constant", [], ["w"], value=tensor), node("Neg", ["w"], ["y"])],
        {},
        {"y": (1, [600])},
    )
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    loaded = load(build.from_onnx(path, ["w"]).to_bytes())
    loaded.init()
    np.testing.assert_array_equal(loaded.infer()["y"], -value)


def anonymous_bytes():
    """Memory of this process that no file backs."""
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def tensor_at(name, dims, offset):
    tensor = TensorProto(name=name, data_type=1, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, text in (("location", "big.bin"), ("offset", str(offset))):
        tensor.external_data.add(key=key, value=text)
    return tensor


def test_more_than_2_gb(make_model, tmp_path):
    """Neither a weight nor a fixed constant is copied or squeezed through a message (design 8)."""
    side = 17000
    nbytes = side * side * 4
    with open(tmp_path / "big.bin", "wb") as file:
        file.truncate(2 * nbytes)  # a hole: it takes no room on the disk
    node = onnx.helper.make_node
    model = make_model(
        [node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "k"], ["y"])],
        {"x": (1, [1, side])},
        {"y": (1, [1, side])},
    )
    tensors = [tensor_at("w", [side, side], 0), tensor_at("k", [side, side], nbytes)]
    model.graph.initializer.extend(tensors)
    path = tmp_path / "big.onnx"
    path.write_bytes(model.SerializeToString())
    before = anonymous_bytes()
    built = build.from_onnx(path, ["w"])
    assert built.nbytes > 2 * nbytes > 1 << 31
    assert anonymous_bytes() - before < 200 << 20


def test_a_file_is_mapped_once(make_model, tmp_path):
    """Thousands of tensors in one file take one descriptor."""
    names = [f"w{index}" for index in range(1500)]
    (tmp_path / "big.bin").write_bytes(bytes(1024 * len(names)))
    nodes = [onnx.helper.make_node("Sum", names, ["y"])]
    model = make_model(nodes, {}, {"y": (1, [256])})
    tensors = [tensor_at(name, [256], 1024 * index) for index, name in enumerate(names)]
    model.graph.initializer.extend(tensors)
    path = tmp_path / "many.onnx"
    path.write_bytes(model.SerializeToString())
    before = len(os.listdir("/proc/self/fd"))
    built = build.from_onnx(path, "all")
    assert len(built.weights) == len(names)
    assert len(os.listdir("/proc/self/fd")) - before < 20
