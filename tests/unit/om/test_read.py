"""Reading containers: what the format allows is read, and each defect has its message."""

from __future__ import annotations

import mmap
import struct

import numpy as np
import pytest

from acl_bundle import dtypes, om
from acl_bundle.errors import BundleFormatError
from acl_bundle.om import PartitionType
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._container import header as headers
from acl_bundle.om._modeldef import define


def test_offsets_of_facts_5_1(made):
    """Three sub-models: the variables' size stands at 360, the first sub-model at 368."""
    data = made.bundle([made.model([(0, b"")], name=b"m")] * 3, 1536)
    assert struct.unpack_from("<Q", data, 360) == (1536,)
    file = om.open_bundle(data)
    assert file.variable_size == 1536
    assert [part.offset for part in file.partitions[:2]] == [360, 368]
    assert [part.name for part in file.partitions[:2]] == [
        "BUNDLE_MODEL_VAR_INFO",
        "BUNDLE_MODEL_INFO",
    ]
    assert [model.name for model in file.models] == ["m"] * 3


def test_every_header_field(made):
    """Each field is read from its own offset (facts 5.1)."""
    raw = bytearray(range(256))
    header = headers.read(Span(memoryview(raw), "f"))
    assert header.magic == 0x03020100
    assert header.checksum == bytes(range(12, 76))
    assert (header.length, header.is_encrypt, header.is_checksum) == (0x4F4E4D4C, 80, 81)
    assert (header.modeltype, header.genmode, header.ops) == (82, 83, 0x77767574)
    assert header.name == bytes(range(84, 116)).decode()
    assert header.userdefineinfo == bytes(range(120, 152))
    assert (header.om_ir_version, header.model_num) == (0x9B9A9998, 0x9F9E9D9C)
    assert (header.platform_version, header.platform_type) == (bytes(range(160, 180)), 180)
    assert header.model_length == 0xBFBEBDBCBBBAB9B8
    assert (header.need_check_os_cpu_info, header.is_unknow_model) == (192, 193)
    assert header.reserved == bytes(range(194, 256))


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_buffers(made, wrap):
    """Bytes and buffers are borrowed, not copied."""
    data = made.bundle([made.model([(0, b"abc")])])
    file = om.open_bundle(wrap(data))
    assert bytes(file.models[0].partitions[0].data) == b"abc"
    assert file.models[0].partitions[0].data.readonly


def test_path_is_mapped_and_stays_alive(made, tmp_path):
    """Views outlive the object and the file's name."""
    path = tmp_path / "m.om"
    path.write_bytes(made.bundle([made.model([(0, b"abc")])]))
    view = om.open_bundle(path).models[0].partitions[0].data
    path.unlink()
    assert bytes(view) == b"abc"
    assert isinstance(view.obj, mmap.mmap)


def test_strided_buffer():
    """A buffer with holes cannot be read."""
    with pytest.raises(ValueError, match="not contiguous"):
        om.open(memoryview(bytes(600))[::2])


def test_ends(made):
    """MODEL_INOUT_INFO in full: formats, dtypes, ranges, gear blocks stepped over (facts 5.4)."""
    gears = struct.pack("<IIIQ", 2, 12, 1, 4)
    info = made.inout(
        [made.tensor(b"x", [-1, 3], layout=0, dtype=1, ranges=[1, 8, 3, 3])],
        [made.tensor(b"y:0", [], nbytes=4, dtype=3)],
        gears,
    )
    file = om.open_model(made.model([(8, info), (0, b"")]))
    (x,), (y,) = file.inputs, file.outputs
    assert (x.name, x.dims, x.format, x.dtype, x.nbytes) == ("x", (-1, 3), 0, 1, 0)
    assert x.ranges == ((1, 8), (3, 3))
    assert (x.is_dynamic, x.numpy) == (True, np.dtype("f2"))
    assert (y.name, y.dims, y.nbytes, str(y)) == ("y:0", (), 4, "y:0: int32[]")


def define_ends(names):
    desc = define.Desc(1, (2, 3), 0)
    ops = [
        define.Op("b", "Data", attrs={"index": 1}, input_descs=[define.Desc(3, (-1,))]),
        define.Op("a", "AippData", attrs={"index": 0}, input_descs=[desc]),
        define.Op("end", "NetOutput", ["n:1"], input_descs=[desc], sources=[("n", 1)]),
    ]
    attrs = {"attr_model_out_nodes_name": names} if names else {}
    return define.model_def("m", [define.GraphValue("g", ops)], attrs)


@pytest.mark.parametrize(("names", "expected"), [(["n:1:y"], "n:1:y"), ([], "output_0_n_1")])
def test_ends_from_the_definition(made, names, expected):
    """Without MODEL_INOUT_INFO: Data by index, NetOutput's inputs (facts 5.5, 1.9)."""
    file = om.open_model(made.model([(0, define_ends(names))]))
    assert [(one.name, one.dims, one.dtype, one.nbytes) for one in file.inputs] == [
        ("a", (2, 3), 1, 12),
        ("b", (-1,), 3, 0),
    ]
    assert [(one.name, one.format, one.nbytes) for one in file.outputs] == [(expected, 0, 12)]


def test_proto_dtype_numbers(made):
    """ge.proto numbers types in another way than ACL (facts 5.5)."""
    numbers = {1: 0, 4: 4, 7: 3, 8: 9, 9: 8, 11: 12, 12: 11, 27: 27, 28: 29, 32: 33, 40: 41, 0: -1}
    for proto, acl in numbers.items():
        assert dtypes.from_proto(proto) == acl
        assert dtypes.to_proto(acl) == proto


def test_dtype_override(made):
    """__tensor_desc_data_type__ wins over the dtype field (facts 5.5)."""
    key = b"\x0a\x19__tensor_desc_data_type__"
    value = b"\x12\x02\x18\x1b"  # field 2: AttrDef {i: 27}
    entry = b"\x2a" + bytes([len(key) + len(value)]) + key + value
    desc = b"\x10\x01" + entry
    span = Span(memoryview(desc), "f")
    assert om.TensorDesc.of(span).dtype == 27


def test_weights_in_the_node_and_outside(made):
    """A constant's value stands in WEIGHTS_DATA at its offset, or in the node itself."""
    far = define.ConstValue(define.Desc(3, (2,), data_offset=8))
    ops = [define.Op("far", "Const", attrs={"value": far})]
    definition = define.model_def("m", [define.GraphValue("g", ops)], {})
    file = om.open_model(made.model([(0, definition), (1, struct.pack("<8xii", 5, -6))]))
    assert file.weights["far"].tolist() == [5, -6]
    assert not file.weights["far"].flags.writeable

    desc = b"\x10\x07\x1a\x03\x0a\x01\x02"  # INT32, dims [2]
    tensor = bytes([0x0A, len(desc)]) + desc + b"\x12\x08" + struct.pack("<ii", 7, 8)
    attr = b"\x62" + bytes([len(tensor)]) + tensor  # AttrDef {t}
    entry = b"\x0a\x05value\x12" + bytes([len(attr)]) + attr
    op = b"\x0a\x04near\x12\x05Const\x52" + bytes([len(entry)]) + entry
    graph = b"\x32" + bytes([len(op)]) + op
    near = om.open_model(made.model([(0, b"\x3a" + bytes([len(graph)]) + graph)]))
    assert near.weights["near"].tolist() == [7, 8]


def test_weights_numpy_cannot_hold(made):
    """Packed types come as raw bytes."""
    packed = define.ConstValue(define.Desc(30, (6,), data_offset=0))
    ops = [define.Op("bits", "Const", attrs={"value": packed})]
    definition = define.model_def("m", [define.GraphValue("g", ops)], {})
    file = om.open_model(made.model([(0, definition), (1, bytes(range(6)))]))
    assert file.weights["bits"].tolist() == list(range(6))
    assert file.weights["bits"].dtype == np.uint8


def test_dynamic_model_of_two_groups(made):
    """model_num tables follow one another, each with its own weights (facts 5.3)."""

    def part(name, value):
        const = define.ConstValue(define.Desc(4, (1,), data_offset=0))
        ops = [define.Op(name, "Const", attrs={"value": const})]
        return [(0, define.model_def(name, [define.GraphValue(name, ops)], {})), (1, value)]

    file = om.open_model(made.model(part("a", b"\x01"), part("b", b"\x02")))
    assert file.header.is_dynamic
    assert [len(group) for group in file.groups] == [2, 2]
    assert {name: int(value[0]) for name, value in file.weights.items()} == {"a": 1, "b": 2}
    assert [graph.name for graph in file.graphs] == ["a", "b"]


def test_legacy_table(made):
    """model_length 0: the length stands at 76, the table has no padding (facts 5.3)."""
    body = struct.pack("<IIIIIII", 2, 0, 0, 1, 1, 1, 2) + b"d" + b"ww"
    file = om.open_model(made.header(0, length=len(body)) + body)
    assert [(part.name, bytes(part.data)) for part in file.partitions] == [
        ("MODEL_DEF", b"d"),
        ("WEIGHTS_DATA", b"ww"),
    ]


def test_what_the_loader_accepts(made):
    """No variables' size, unknown partitions, trailing bytes, any model_num (facts 5.6)."""
    data = bytearray(made.bundle([made.model([(0, b"")])], None, [(99, b"?")]) + b"trailing")
    struct.pack_into("<I", data, 156, 77)
    file = om.open_bundle(bytes(data))
    assert (file.variable_size, len(file.models), file.partitions[0].name) == (0, 1, "type 99")


def test_offsets_in_tables_are_ignored(made):
    """The loader walks sizes, and so does the reader (facts 5.1)."""
    data = bytearray(made.bundle([made.model([(0, b"abc")])]))
    struct.pack_into("<Q", data, 256 + 8 + 8, 0xFFFFFFFFFFFF)
    assert bytes(om.open_bundle(bytes(data)).models[0].partitions[0].data) == b"abc"


def good(made):
    return made.bundle([made.model([(0, b"def"), (1, b"weights")])], 1536)


def patched(data, at, layout, *values):
    copy = bytearray(data)
    struct.pack_into(layout, copy, at, *values)
    return bytes(copy)


MODEL = 256 + 8 + 48 + 8  # where the first model of good() starts


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: b"", "the file is empty"),
        (lambda d: d[:100], "at byte 0: a model's header needs 256 bytes, but 100 are left"),
        (lambda d: b"PK\x03\x04" + d[4:], r"ZIP archive \('PK'\), so an OM2 model"),
        (lambda d: patched(d, 82, "B", 1), "modeltype is 1, where a bundle has 5"),
        (lambda d: d[:258], "at byte 256: a partition table needs 8 bytes, but 2 are left"),
        (lambda d: patched(d, 256, "<I", 10**9), "has 1000000000 rows; 0 to 4096 are possible"),
        (lambda d: patched(d, 280, "<Q", 2**63), r"partition 0 \(type 25\) claims 9223372036854"),
        (lambda d: patched(d, 304, "<Q", 2**40), r"partition 1 \(type 24\) claims 1099511627776"),
        (lambda d: d[:-1], r"at byte 288: partition 1 \(type 24\) claims"),
        (lambda d: patched(d, 280, "<Q", 3), "the size of the variables needs 8 bytes, but 3"),
        (lambda d: patched(d, MODEL, "<I", 7), f"at byte {MODEL}: the magic number is 0x00000007"),
        (lambda d: patched(d, MODEL + 80, "B", 1), "the model is encrypted"),
        (lambda d: patched(d, MODEL + 184, "<Q", 5), "the header promises 5 bytes behind it"),
        (lambda d: patched(d, MODEL + 256, "<I", 0), "table has 0 rows; 1 to 8 are possible"),
        (lambda d: patched(d, MODEL + 256, "<I", 9), "table has 9 rows; 1 to 8 are possible"),
        (lambda d: patched(d, MODEL + 280, "<Q", 99), r"partition 0 \(type 0\) claims 99 bytes"),
    ],
)
def test_defects(made, spoil, said, tmp_path):
    """Each defect is named with file, offset, value and what would be right."""
    path = tmp_path / "spoilt.om"
    path.write_bytes(spoil(good(made)))
    with pytest.raises(BundleFormatError, match=said) as caught:
        om.open_bundle(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_bundle_and_model_are_told_apart(made):
    """open takes both; the strict ones say what the file is instead."""
    one, several = made.model([(0, b"")], name=b"single"), good(made)
    assert isinstance(om.open(one), om.Model)
    assert isinstance(om.open(several), om.Bundle)
    with pytest.raises(BundleFormatError, match=r"this is a plain model \('single', modeltype 0\)"):
        om.open_bundle(one)
    with pytest.raises(BundleFormatError, match="this is a bundle of 1 models"):
        om.open_model(several)
    with pytest.raises(BundleFormatError, match="the magic number is 0x00000000"):
        om.open(bytes(300))


def test_trailing_bytes_in_a_dynamic_model(made):
    """A dynamic model's groups end exactly at its end (facts 5.3)."""
    body = made.group([(0, b"")]) + b"x"
    with pytest.raises(BundleFormatError, match="1 bytes follow the last partition"):
        om.open_model(made.header(len(body), is_unknow_model=1) + body)


@pytest.mark.parametrize(
    ("info", "said"),
    [
        (struct.pack("<II", 9, 0), "a block of type 9; 0 to 6 exist"),
        (struct.pack("<II", 0, 50), "block 0 of MODEL_INOUT_INFO needs 50 bytes, but 0 are left"),
        (struct.pack("<III", 0, 4, 2**31), "2147483648 tensors cannot stand in a block of 4"),
        (struct.pack("<III", 0, 4, 1) + b"", "1 tensors cannot stand|a tensor's description needs"),
        (b"\0", "a block of MODEL_INOUT_INFO needs 8 bytes"),
    ],
)
def test_defects_of_inout_info(made, info, said):
    """Broken descriptions are an error when they are read, not before."""
    file = om.open_model(made.model([(8, info), (0, b"")]))
    with pytest.raises(BundleFormatError, match=said):
        _ = file.inputs


def test_dims_of_odd_length(made):
    """Dims are whole 64-bit numbers."""
    body = struct.pack("<I", 1) + struct.pack("<QiiIIII", 0, 2, 0, 1, 7, 0, 0) + b"x" + bytes(7)
    file = om.open_model(made.model([(8, struct.pack("<II", 0, len(body)) + body), (0, b"")]))
    with pytest.raises(BundleFormatError, match="dims take 7 bytes, which is no multiple of 8"):
        _ = file.inputs


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\x3a\x05ab", "field 7 claims 5 bytes, but 2 are left"),
        (b"\x3b", "field 7 is a group that does not end"),
        (b"\xff" * 11, "a number does not end within 10 bytes"),
        (b"\x3f", "field 7 has wire type 7; 0 to 5 exist"),
        (b"\xba\x80\x80\x80\x80\x00\x00", "a field's tag takes more than 5 bytes"),
        (b"\x3a\x82\x80\x80\x80\x80\x00ab", "field 7 has a size that takes more than 5 bytes"),
        (b"\x00\x00", "a field has number 0"),
    ],
)
def test_defects_of_the_definition(made, raw, said):
    """Broken protobuf names the offset in the file."""
    file = om.open_model(made.model([(0, raw)]))
    with pytest.raises(BundleFormatError, match=said):
        _ = file.graphs


@pytest.mark.parametrize("raw", [b"\x38\x01", b"\x3b\x08\x01\x3c"], ids=["number", "group"])
def test_a_field_of_another_wire_type_is_none(made, raw):
    """As for protobuf: the schema has another field, if any, and the reader steps over it."""
    file = om.open_model(made.model([(0, raw + b"\x3a\x00")]))
    assert len(file.graphs) == 1


def test_weight_beyond_the_data(made):
    """A constant that claims more than WEIGHTS_DATA has."""
    far = define.ConstValue(define.Desc(0, (1 << 40,), data_offset=8))
    ops = [define.Op("far", "Const", attrs={"value": far})]
    definition = define.model_def("m", [define.GraphValue("g", ops)], {})
    file = om.open_model(made.model([(0, definition), (1, bytes(16))]))
    with pytest.raises(BundleFormatError, match="constant 'far' needs 4398046511104 bytes, but 8"):
        _ = file.weights


def test_chip_or_program(made):
    """Files compiled for a chip are told from ours by TASK_INFO (docs/program_format.md)."""
    ours = om.open_model(made.model([(2, b"ACLPROG1" + bytes(24))]))
    chip = om.open_model(made.model([(2, b"\x0a\x10tasks...")]))
    assert (ours.is_compiled_for_chip, chip.is_compiled_for_chip) == (False, True)
    assert om.open_model(made.model([(0, b"")])).is_compiled_for_chip
    assert ours.partition(PartitionType.MODEL_DEF) is None


def test_external_weights(made):
    """FileConstant nodes mean that weights lie beside the file (facts 6.5)."""
    ops = [define.Op("w", "FileConstant")]
    definition = define.model_def("m", [define.GraphValue("g", ops)], {})
    assert om.open_bundle(made.bundle([made.model([(0, definition)])])).has_external_weights
    assert not om.open_bundle(made.bundle([made.model([(0, b"")])])).has_external_weights


def test_inputs_without_a_list_come_in_the_order_of_their_index(made):
    """And those without a description are none (facts 5.5)."""
    desc = define.Desc(0, (1,))
    ops = [
        define.Op("third", "Data", attrs={"index": 2}, input_descs=[desc]),
        define.Op("first", "Data", input_descs=[desc]),
        define.Op("none", "Data"),
        define.Op("second", "Data", attrs={"index": 1}, input_descs=[desc]),
    ]
    definition = define.model_def("m", [define.GraphValue("g", ops)], {})
    file = om.open_model(made.model([(0, definition)]))
    assert [one.name for one in file.inputs] == ["first", "second", "third"]


def test_texts_that_are_not_ascii(made):
    """All names of a kind are decoded together, whatever they are of."""
    ops = [define.Op(name, "Data", input_descs=[define.Desc(0, ())]) for name in ("é", "a", "層")]
    definition = define.model_def("m", [define.GraphValue("g", ops)], {})
    file = om.open_model(made.model([(0, definition)]))
    assert [one.name for one in file.inputs] == ["é", "a", "層"]
