"""A fleet behind the protocol: posts reach every replica or none, and a closed one is passed by."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle.fleet import Fleet
from acl_bundle.server import ServedFleet, ServerLimits, post_weights
from acl_bundle.testing import FakeAcl

from .conftest import TOKEN, Start, array_of, ask, numbers

INFER = "/v2/models/mlp/infer"


@pytest.fixture
def served(mlp: Any, fake_acl: FakeAcl) -> Any:
    with ab.Bundle.load(mlp.path) as bundle:
        graph = bundle.infer
        ends = graph.inputs, graph.outputs, graph.batches
    with Fleet.local(mlp.path, devices=[0, 0]) as fleet:
        yield ServedFleet(fleet, *ends)


def test_a_post_reaches_every_replica(mlp: Any, start: Start, served: Any) -> None:
    server = start(served, token=TOKEN, limits=ServerLimits(workers=2))
    post_weights(f"http://127.0.0.1:{server.port}", mlp.random(7), 7, model="mlp", token=TOKEN)
    with ThreadPoolExecutor(4) as pool:
        replies = list(
            pool.map(lambda _: ask(server.port, "POST", INFER, numbers(mlp.x)), range(16))
        )
    for reply in replies:
        assert reply.json["model_version"] == "7"
        np.testing.assert_allclose(array_of(reply), mlp.answer(mlp.random(7)), rtol=1e-4, atol=1e-5)


def test_weights_that_do_not_fit_change_nothing(mlp: Any, start: Start, served: Any) -> None:
    server = start(served, token=TOKEN)
    before = served.version
    with pytest.raises(ab.UpdateError, match="w1"):
        post_weights(
            f"http://127.0.0.1:{server.port}", {"w1": np.zeros(2, np.float32)}, 7,
            model="mlp", token=TOKEN,
        )  # fmt: skip
    assert served.version == before
    assert ask(server.port, "POST", INFER, numbers(mlp.x)).json["model_version"] == str(before)


def test_a_request_that_does_not_fit(mlp: Any, start: Start, served: Any) -> None:
    server = start(served)
    reply = ask(server.port, "POST", INFER, numbers(mlp.x[:3]))
    assert (reply.status, "x" in reply.error) == (400, True), reply


def test_it_is_ready_while_a_replica_infers(mlp: Any, start: Start, served: Any) -> None:
    server = start(served)
    for member in served._fleet._members:
        assert server.ready
        member.close("for a test")
    assert not server.ready
    reply = ask(server.port, "POST", INFER, numbers(mlp.x))
    assert (reply.status, "for a test" in reply.error) == (503, True)
    served._fleet.catch_up()
    assert server.ready
    served._fleet.close()
    assert not server.ready


def test_what_a_post_is_told(mlp: Any, start: Start, served: Any) -> None:
    """The client's mistakes are the client's: no 500."""
    server = start(served, token=TOKEN)
    url, body = f"http://127.0.0.1:{server.port}", {"w1": np.zeros(2, np.float32)}
    with pytest.raises(ab.UpdateError, match=r"(?s)\(400\).*w1"):
        post_weights(url, body, 7, model="mlp", token=TOKEN)
    served._fleet.update(mlp.random(7), version=7)
    with pytest.raises(ab.VersionExistsError, match="in force already"):
        post_weights(url, mlp.random(7), 7, model="mlp", token=TOKEN)
