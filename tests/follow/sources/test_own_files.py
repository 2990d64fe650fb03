"""Files that trainers write themselves, under the names that docs/follow.md shows."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import acl_bundle as ab
from acl_bundle import follow

from .. import policy

PAGE = " ".join(
    (Path(__file__).parents[3] / "docs" / "follow.md").read_text(encoding="utf-8").split()
)


def test_torch_saves_under_the_hidden_names_that_the_page_shows(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
    shown = re.search(r"should write `(\S+)` and rename it to `(\S+)`", PAGE)
    refused = re.search(r"`torch\.save` refuses `(\S+)`.*?; `(\S+)` does as well", PAGE)
    assert shown is not None
    assert refused is not None
    state = {name: torch.from_numpy(value) for name, value in policy.weights(7).items()}
    with pytest.raises(RuntimeError, match="invalid file name"):
        torch.save(state, tmp_path / refused[1])
    for hidden in (shown[1], refused[2]):
        torch.save(state, tmp_path / hidden)
        assert list(follow.Directory(tmp_path).versions()) == []
    with ab.follow(bundle, follow.Directory(tmp_path, poll=0.01)) as follower:
        os.replace(tmp_path / shown[1], tmp_path / shown[2])
        assert follower.wait_for(7, 30) == 7
    assert (bundle.infer(policy.X) == (policy.ROWS + 1) * 7).all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["V2", "V1"])
def test_tensorflows_saver_is_followed_by_the_pattern_that_the_page_shows(
    bundle: ab.Bundle, tmp_path: Path, format: str
) -> None:
    tf = pytest.importorskip("tensorflow", reason="tensorflow is not installed")
    shown = re.search(r'follow\.Directory\("checkpoints", "(model\.ckpt-\S+)"\)', PAGE)
    assert shown is not None
    graph, v1 = tf.Graph(), tf.compat.v1
    with graph.as_default(), v1.Session(graph=graph) as session:
        variables = [
            v1.get_variable(name, initializer=value, use_resource=False)
            for name, value in policy.weights(0).items()
        ]
        step = v1.placeholder(tf.float32, [])
        set_to = [v1.assign(one, tf.zeros_like(one) + step) for one in variables]
        saver = v1.train.Saver(write_version=getattr(v1.train.SaverDef, format))
        with ab.follow(bundle, follow.Directory(tmp_path, shown[1], poll=0.01)) as follower:
            for version in (1, 2):
                session.run(set_to, {step: version})
                saver.save(session, str(tmp_path / "model.ckpt"), global_step=version)
                assert follower.wait_for(version, 30) == version
                assert (bundle.infer(policy.X) == (policy.ROWS + 1) * version).all()
