"""The stand-in for GE's compiler exports what GE's libraries do, whatever the string ABI."""

from __future__ import annotations

import re

from acl_bundle import fake

from .test_binaries import output

SYMBOLS = {
    "libgraph_base": {
        "_ZN2ge12AscendStringC1EPKc",
        "_ZN2ge12AscendStringC2EPKc",
        "_ZNK2ge12AscendString9GetStringEv",
        "_ZNK2ge12AscendStringltERKS0_",
    },
    "libgraph": {
        "_ZN2ge5GraphC1EPKc",
        "_ZN2ge5GraphC2EPKc",
        "_ZN2ge5Graph12LoadFromFileEPKc",
        "_ZNK2ge5Graph10SaveToFileEPKc",
        "_ZNK2ge5Graph11GetAllNodesEv",
        "_ZNK2ge5Graph12GetAllOpNameERSt6vectorINS_12AscendStringESaIS2_EE",
        "_ZNK2ge5Graph13GetDirectNodeEv",
        "_ZNK2ge5Graph14FindNodeByNameERKNS_12AscendStringE",
        "_ZNK2ge5GNode7GetNameERNS_12AscendStringE",
        "_ZNK2ge5GNode7GetTypeERNS_12AscendStringE",
    },
    "libge_compiler": {
        "_ZN2ge22aclgrphBuildInitializeERSt3mapINS_12AscendStringES1_St4lessIS1_ESaISt4pairIKS1_S1_"
        "EEE",
        "_ZN2ge20aclgrphBuildFinalizeEv",
        "_ZN2ge17aclgrphBuildModelERKNS_5GraphERKSt3mapINS_12AscendStringES4_St4lessIS4_ESaISt4pair"
        "IKS4_S4_EEERNS_15ModelBufferDataE",
        "_ZN2ge16aclgrphSaveModelEPKcRKNS_15ModelBufferDataE",
        "_ZN2ge39aclgrphConvertToWeightRefreshableGraphsERKNS_5GraphERKSt6vectorINS_12AscendStringE"
        "SaIS4_EERNS_23WeightRefreshableGraphsE",
        "_ZN2ge23aclgrphBundleBuildModelERKSt6vectorINS_16GraphWithOptionsESaIS1_EERNS_15ModelBuffer"
        "DataE",
        "_ZN2ge22aclgrphBundleSaveModelEPKcRKNS_15ModelBufferDataE",
        "_ZN2ge19aclgrphGetIRVersionEPiS0_S0_",
        "_ZN2ge16aclgrphDumpGraphERKNS_5GraphEPKcm",
    },
    "libfmk_onnx_parser": {
        "_ZN2ge16aclgrphParseONNXEPKcRKSt3mapINS_12AscendStringES3_St4lessIS3_ESaISt4pairIKS3_S3_EE"
        "ERNS_5GraphE",
        "_ZN2ge23aclgrphParseONNXFromMemEPKcmRKSt3mapINS_12AscendStringES3_St4lessIS3_ESaISt4pairIK"
        "S3_S3_EEERNS_5GraphE",
    },
}
OWN = re.compile(r"\d+ T (_ZNK?2ge\w+)$", re.MULTILINE)


def test_each_library_has_ges_symbols_and_no_more_of_ge() -> None:
    for name, symbols in SYMBOLS.items():
        path = fake.library_path().with_name(f"{name}.so")
        assert set(OWN.findall(output("nm", "-D", "--defined-only", path))) == symbols, name
        assert f"[{name}.so]" in output("readelf", "-d", path)


def test_whoever_loads_the_parser_has_them_all() -> None:
    """As clients do that are linked against it alone."""
    path = fake.library_path().with_name("libfmk_onnx_parser.so")
    needed = re.findall(r"\(NEEDED\).*\[(libg\w+)\.so\]", output("readelf", "-d", path))
    assert set(needed) == set(SYMBOLS) - {"libfmk_onnx_parser"}
