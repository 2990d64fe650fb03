"""What each command is asked in `test_every_command`, and how it has to end."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx

from acl_bundle import build, follow, om, weights
from acl_bundle.om._modeldef.define import Desc, GraphValue, Op, model_def

from .weights_files import mlp

LONG = "encoder.layers.11.attention.output.dense.kernel_of_the_value_projection/part_0_of_4"
"""A name that is wider than a terminal."""


CALL = (
    '{"seq":0,"pid":1,"thread":1,"function":"aclrtGetDevice","args":{"deviceId":null},'
    '"result":%d,"end":1,"took":5}\n'
)
"""A call as `acl-bundle record` writes it; the fake answers 100000."""


class Row(NamedTuple):
    """A line that a person types, and how it ends.

    Attributes:
        line: The words behind ``acl-bundle``, blanks between them.
        status: The exit status.
        says: What has to stand in what is printed, whole.
    """

    line: str
    status: int
    says: str


def rows_of(text: str) -> list[Row]:
    """A row for each line ``status | words | says``."""
    found = (line.split("|") for line in text.strip().splitlines())
    return [Row(words.strip(), int(status), says.strip()) for status, words, says in found]


def scene(folder: Path) -> None:
    """The files that the rows name."""
    model = mlp()
    onnx.save(model, folder / "policy.onnx")
    built = build.from_onnx(model, weights=["fc.weight"])
    built.save(folder / "policy.om")
    (folder / "cut.om").write_bytes(built.to_bytes()[:1000])
    (folder / "bad.npz").write_bytes(b"PK\x03\x04, and no more")
    (folder / "bad.onnx").write_bytes(b"\x08\x01\x12")
    (folder / "bad.jsonl").write_text("no JSON\n")
    for name, result in (("same", 100000), ("other", 0)):
        (folder / f"{name}.jsonl").write_text(CALL % result)
    renamed = mlp()
    renamed.graph.initializer[0].name = renamed.graph.node[0].input[1] = LONG
    build.from_onnx(renamed, weights=[LONG]).save(folder / "long.om")
    data = Op("x", "Data", output_descs=(Desc(0, (2, 3)),))
    definition = model_def("net", [GraphValue("net", [data])], {})
    om.write_model([(om.PartitionType.MODEL_DEF, [definition])], name="net").save(
        folder / "chip.om"
    )
    ones, large = np.ones((8, 4), np.float32), np.full((8, 4), 1e6, np.float32)
    sparse = ones * (np.arange(8) % 4 < 2)[:, None].astype(np.float32)
    for name, value in (("w", ones), ("large", large), ("sparse", sparse)):
        np.savez(folder / f"{name}.npz", **{"fc.weight": value})
    np.savez(folder / "misfit.npz", **{"fc.weight": np.ones((4, 4), np.float32)})
    np.savez(folder / "long.npz", **{LONG: ones})
    np.savez(folder / "x.npz", x=np.ones((1, 8), np.float32))
    np.savez(folder / "y.npz", y=np.ones((1, 4), np.float32))
    (folder / "versions").mkdir()
    follow.publish_directory(folder / "versions", {"fc.weight": ones}, 1)
    (folder / "refused").mkdir()
    follow.publish_directory(folder / "refused", {"fc.weight": ones[:2]}, 1)
    follow.publish_directory(folder / "refused", {"fc.weight": ones}, 2)
    weights.save({LONG: ones}, folder / "long.safetensors")


ROWS = rows_of("""
    0 | bench policy.om --rounds 2 --warmup 0 |
    2 | bench gone.om | gone.om
    2 | bench policy.om --rounds 2 --sweep batch=1,2 | batch
    2 | bench policy.om --rounds 2 --plot t.bmp | t.bmp
    2 | bench policy.om --rounds 0 | --rounds
    0 | build policy.onnx --weights fc.weight -o new.om | new.om
    2 | build policy.onnx --weights fc.wieght -o new.om | fc.wieght
    2 | build gone.onnx -o new.om | gone.onnx
    2 | build bad.onnx -o new.om | bad.onnx
    2 | build policy.onnx -o gone/new.om | gone
    0 | compare policy.om onnx:policy.onnx | y
    1 | compare policy.om policy.om --weights-b w.npz | y
    2 | compare policy.om gone.om | gone.om
    2 | compare cut.om policy.om | cut.om
    2 | compile gone.onnx --weights all --soc Ascend910B3 -o new.om | gone.onnx
    2 | compile policy.onnx --weights all --soc Ascend910B3 -o new.om | CANN
    2 | compile policy.onnx --weights all -o new.om | --soc
    0 | conform -o report.json | report.json
    2 | conform --library gone.so | gone.so
    2 | conform --compare gone.json | gone.json
    2 | conform --compare bad.jsonl | bad.jsonl
    2 | conform assumptions gone.om | gone.om
    2 | conform assumptions cut.om | cut.om
    0 | demo |
    2 | demo -o gone/digits.om | gone
    0 | doctor policy.om | policy.om
    1 | doctor cut.om | cut.om
    2 | doctor a.om b.om | b.om
    0 | fake cflags | -I
    2 | fake cflags more | more
    0 | fake env | LD_LIBRARY_PATH
    2 | fake env --toolkit bad.npz | bad.npz
    0 | fake libs | -l
    2 | fake libs more | more
    0 | fake replay same.jsonl | 1 calls
    1 | fake replay other.jsonl | aclrtGetDevice
    2 | fake replay gone.jsonl | gone.jsonl
    2 | fake replay bad.jsonl | bad.jsonl
    2 | fake trace gone.jsonl --chrome out.json | gone.jsonl
    2 | fake trace bad.jsonl --chrome out.json | bad.jsonl
    0 | follow policy.om versions --after 0 --count 1 | applied
    1 | follow policy.om refused --after 0 --count 1 | fc.weight
    2 | follow gone.om versions | gone.om
    2 | follow policy.om nowhere://x | nowhere
    0 | inspect policy.om | var_update_graph
    0 | inspect long.om | LONG
    0 | inspect long.om --tree | LONG
    0 | inspect long.om --partitions | BUNDLE_MODEL_VAR_INFO
    0 | inspect policy.om --extract 0 one.om | one.om
    0 | inspect policy.om --onnx new.onnx | new.onnx
    0 | inspect chip.om | net
    2 | inspect gone.om | gone.om
    2 | inspect cut.om | cut.om
    2 | inspect policy.om --tree --partitions | --partitions
    2 | inspect policy.om --extract 9 one.om | 9
    2 | inspect policy.om --extract 0 policy.om | policy.om
    2 | inspect policy.om --graph 0 | --graph
    2 | inspect policy.om --onnx new.onnx --graph nothing | nothing
    2 | inspect policy.om --onnx new.onnx --graph 2 | var_update_graph
    2 | inspect policy.om --onnx gone/new.onnx | gone
    2 | inspect chip.om --onnx new.onnx | chip
    0 | precision policy.om --samples 1 --weights w.npz |
    2 | precision gone.om | gone.om
    2 | precision policy.om --dtype float8 | float8
    0 | record -- true |
    1 | record -- false |
    2 | record -- ./no-such-program | no-such-program
    2 | record |
    0 | run policy.om -o out.npz | out.npz
    0 | run policy.om --inputs x.npz --weights w.npz | w.npz
    1 | run policy.om --inputs x.npz --compare y.npz | y
    2 | run gone.om | gone.om
    2 | run policy.om --graph nothing | nothing
    2 | run policy.om --inputs y.npz | 'y'
    2 | run policy.om --weights misfit.npz | fc.weight
    2 | serve gone.om | gone.om
    2 | serve cut.om | cut.om
    2 | serve policy.om --consistency loose | --consistency
    0 | update policy.om --weights w.npz -o new.om | new.om
    2 | update policy.om --weights misfit.npz -o new.om | fc.weight
    2 | update policy.om --weights bad.npz -o new.om | bad.npz
    2 | update gone.om --weights w.npz -o new.om | gone.om
    0 | weights check sparse.npz --layout fc.weight=kn | fc.weight
    1 | weights check w.npz --layout fc.weight=kn | fc.weight
    2 | weights check w.npz | --layout
    2 | weights check w.npz --layout fc.weight=zz | zz
    0 | weights convert w.npz new.npz --dtype float16 | fc.weight
    1 | weights convert large.npz new.npz --dtype float16 | fc.weight
    2 | weights convert w.npz new.txt | new.txt
    2 | weights convert w.npz new.npz --dtype float8 | float8
    0 | weights diff w.npz w.npz |
    1 | weights diff w.npz large.npz | fc.weight
    1 | weights diff w.npz long.npz | LONG
    2 | weights diff w.npz bad.npz | bad.npz
    0 | weights freeze w.npz policy.om new.om | new.om
    2 | weights freeze misfit.npz policy.om new.om | fc.weight
    2 | weights freeze large.npz policy.om new.om --dtype float16 | fc.weight
    2 | weights freeze w.npz gone.om new.om | gone.om
    0 | weights list long.npz | LONG
    0 | weights list long.safetensors | LONG
    2 | weights list bad.npz | bad.npz
    2 | weights list long.npz --select nothing | nothing
    0 | weights match policy.onnx w.npz | fc.weight
    2 | weights match bad.onnx w.npz | bad.onnx
    2 | weights match policy.onnx gone.npz | gone.npz
    0 | weights sparsify w.npz new.npz --record r.safetensors --layout fc.weight=kn | fc.weight
    2 | weights sparsify w.npz new.npz --record gone.safetensors | gone.safetensors
    2 | weights sparsify w.npz w.npz --record r.safetensors --layout fc.weight=kn | w.npz
""")

ELSEWHERE = {
    "compile": "tests/chip/test_command.py::test_it_says_what_it_wrote",
    "conform assumptions": "tests/cli/test_conform.py::test_assumptions",
    "fake trace": "tests/cli/test_timeline.py::test_a_program_with_two_threads_and_streams",
    "serve": "tests/server/test_command.py::test_it_serves_what_a_trainer_publishes",
}
"""Where commands succeed that take seconds, or a server, a compiler or another program."""
