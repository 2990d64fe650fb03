"""Writing containers, and files that are there whole or not at all."""

from __future__ import annotations

import os

import pytest

from acl_bundle import om
from acl_bundle.om import PartitionType


def test_model_as_by_hand(made):
    """The writer's bytes are those of the format (facts 5.3)."""
    written = om.write_model(
        [(PartitionType.MODEL_DEF, [b"de", b"f"]), (PartitionType.WEIGHTS_DATA, [b"w"])],
        name="net",
        dynamic=True,
    )
    expected = made.model([(0, b"def"), (1, b"w")], name=b"net", is_unknow_model=1)
    assert written.to_bytes() == expected


def test_empty_partitions_are_left_out(made):
    """No row, no bytes."""
    parts = [(PartitionType.MODEL_DEF, [b"d"]), (PartitionType.WEIGHTS_DATA, [b"", b""])]
    assert om.write_model(parts, name="n").to_bytes() == made.model([(0, b"d")], name=b"n")


def test_bundle_as_by_hand(made):
    """The writer's bytes differ from the format's example in the offsets alone (facts 5.1)."""
    models = [made.model([(0, b"a")]), made.model([(0, b"bb")])]
    written = bytearray(om.write_bundle(models, 1536).to_bytes())
    table = 8 + 3 * 24
    offsets = [table, table + 8, table + 8 + len(models[0])]
    for index, offset in enumerate(offsets):
        at = 256 + 8 + 24 * index + 8
        assert int.from_bytes(written[at : at + 8], "little") == offset
        written[at : at + 8] = (offset - table).to_bytes(8, "little")
    assert bytes(written) == made.bundle(models, 1536)


def test_reorder_and_combine(refreshable):
    """Models of a file go into another one, in any order, as they are."""
    file = om.open_bundle(refreshable())
    init, update, infer = file.models
    data = om.write_bundle([infer, update, init], file.variable_size).to_bytes()
    again = om.open_bundle(data)
    assert again.roles == {"infer": 0, "update": 1, "init": 2}
    assert bytes(again.models[0].data) == bytes(infer.data)
    assert again.variables == file.variables
    both = om.open_bundle(om.write_bundle([infer, infer], 0).to_bytes())
    assert both.roles == {}


def test_names_are_cut_as_a_compiler_cuts_them():
    """31 bytes of the name are kept, whole characters only (facts 4.2)."""
    parts = [(PartitionType.MODEL_DEF, [b"d"])]
    assert om.open_model(om.write_model(parts, name="n" * 99).to_bytes()).name == "n" * 31
    assert om.open_model(om.write_model(parts, name="模" * 99).to_bytes()).name == "模" * 10


def test_header_fields_are_kept():
    """Fields given as a header are written, lengths are filled in."""
    header = om.Header(name="h", om_ir_version=3, platform_version=b"8.5", model_length=1)
    data = om.write_model([(PartitionType.MODEL_DEF, [b"d"])], header=header).to_bytes()
    read = om.open_model(data).header
    assert (read.name, read.om_ir_version, read.platform_version[:4]) == ("h", 3, b"8.5\0")
    assert read.model_length == len(data) - 256


@pytest.mark.parametrize("count", [0, 9])
def test_number_of_partitions(count):
    """1 to 8 (facts 5.3)."""
    with pytest.raises(ValueError, match=f"1 to 8 partitions with content, not {count}"):
        om.write_model([(PartitionType.MODEL_DEF, [b"d"])] * count)


def test_bundle_refusals():
    """No models, or a size that cannot be."""
    with pytest.raises(ValueError, match="at least one model"):
        om.write_bundle([], 0)
    with pytest.raises(ValueError, match="variable_size is -1"):
        om.write_bundle([b"x"], -1)


def test_nothing_is_copied():
    """Pieces are views of what was given."""
    weights = bytearray(10)
    chunks = om.write_model([(PartitionType.MODEL_DEF, [memoryview(weights)])])
    weights[0] = 7
    assert chunks.to_bytes()[-10:] == bytes(weights)
    assert len(chunks) == 3


def test_save_follows_the_umask(tmp_path):
    """A saved file has the rights any new file has."""
    old = os.umask(0o027)
    try:
        path = om.Chunks([b"x"]).save(tmp_path / "m.om")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o640


def test_failed_save_leaves_all_as_it_was(tmp_path, monkeypatch):
    """When writing fails the old file stays and no other is left."""
    path = tmp_path / "m.om"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        om.Chunks([b"new"]).save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_save_over_a_mapped_file(tmp_path, refreshable):
    """A file may be rewritten from its own contents."""
    path = tmp_path / "m.om"
    path.write_bytes(refreshable())
    file = om.open_bundle(path)
    om.write_bundle(file.models[::-1], file.variable_size).save(path)
    assert om.open_bundle(path).roles == {"infer": 0, "update": 1, "init": 2}
    assert file.roles == {"init": 0, "update": 1, "infer": 2}
