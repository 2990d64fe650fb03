"""tritonclient as it is installed: it infers while versions come, and each answer is whole."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

import acl_bundle as ab
from acl_bundle.server import Server

from .conftest import TOKEN, Start

VERSIONS, THREADS = 1000, 8
CLIENTS = pytest.mark.parametrize("library", [tritonclient.http, tritonclient.grpc])


def connect(library: Any, server: Server) -> Any:
    port = server.port if library is tritonclient.http else server.grpc_port
    return closing(library.InferenceServerClient(f"127.0.0.1:{port}"))


def given(library: Any, x: Any) -> list[Any]:
    one = library.InferInput("x", list(x.shape), "FP32")
    one.set_data_from_numpy(x)
    return [one]


def member(response: Any, name: str) -> Any:
    return response[name] if isinstance(response, dict) else getattr(response, name)


@CLIENTS
def test_a_client_learns_what_there_is_and_infers(
    library: Any, mlp: Any, server: Server, bundle: ab.Bundle
) -> None:
    bundle.update(mlp.random(7), version="step-7")
    with connect(library, server) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("mlp")
        assert client.is_model_ready("mlp", "step-7")
        assert not client.is_model_ready("mlp", "step-8")
        assert member(client.get_server_metadata(), "name") == "acl_bundle"
        found = client.get_model_metadata("mlp")
        assert list(member(found, "versions")) == ["step-7"]
        (tensor,) = member(found, "inputs")
        shape = list(map(int, member(tensor, "shape")))
        assert (member(tensor, "name"), member(tensor, "datatype"), shape) == ("x", "FP32", [4, 8])
        answer = client.infer("mlp", given(library, mlp.x), request_id="a request")
        response = answer.get_response()
        assert member(response, "model_name") == "mlp"
        assert member(response, "model_version") == "step-7"
        assert member(response, "id") == "a request"
        expected = mlp.answer(mlp.random(7))
        np.testing.assert_allclose(answer.as_numpy("y"), expected, rtol=1e-4, atol=1e-5)
        wanted = [library.InferRequestedOutput("y")]
        again = client.infer("mlp", given(library, mlp.x), outputs=wanted, model_version="step-7")
        np.testing.assert_array_equal(again.as_numpy("y"), answer.as_numpy("y"))


@CLIENTS
@pytest.mark.parametrize(
    ("model", "version", "inputs", "wanted", "message"),
    [
        ("policy", "", {"x": (4, 8)}, "y", "there is no model 'policy'; there is mlp"),
        ("mlp", "8", {"x": (4, 8)}, "y", "no version '8'"),
        ("mlp", "", {"x": (4, 8)}, "z", "has no output 'z'; it has y"),
        ("mlp", "", {"x": (4, 9)}, "y", "x"),
        ("mlp", "", {"v": (4, 8)}, "y", "v"),
        ("mlp", "", {"x": (4, 8), "v": (1,)}, "y", "v"),
    ],
)
def test_what_is_wrong_is_told(
    library: Any, server: Server, model: str, version: str, inputs: Any, wanted: str, message: str
) -> None:
    arrays = []
    for name, shape in inputs.items():
        one = library.InferInput(name, list(shape), "FP32")
        one.set_data_from_numpy(np.zeros(shape, np.float32))
        arrays.append(one)
    outputs = [library.InferRequestedOutput(wanted)]
    with connect(library, server) as client, pytest.raises(InferenceServerException) as told:
        client.infer(model, arrays, model_version=version, outputs=outputs)
    assert message in told.value.message()
    right = {"404", "StatusCode.NOT_FOUND"} if model != "mlp" or version else {
        "400", "StatusCode.INVALID_ARGUMENT"
    }  # fmt: skip
    assert told.value.status() in right


@CLIENTS
def test_a_dtype_that_does_not_fit(library: Any, server: Server) -> None:
    one = library.InferInput("x", [4, 8], "FP64")
    one.set_data_from_numpy(np.zeros((4, 8)))
    with connect(library, server) as client, pytest.raises(InferenceServerException) as told:
        client.infer("mlp", [one])
    assert "float64" in told.value.message()
    assert "float32" in told.value.message()


@CLIENTS
def test_unload_and_load(library: Any, mlp: Any, server: Server) -> None:
    owner = {"headers": {"authorization": f"Bearer {TOKEN}"}}
    with connect(library, server) as client:
        for call in (client.load_model, client.unload_model):
            with pytest.raises(InferenceServerException, match="needs the header Authorization"):
                call("mlp")
            with pytest.raises(InferenceServerException, match="the token is not this server's"):
                call("mlp", headers={"authorization": "Bearer another token"})
        client.unload_model("mlp", **owner)
        assert not client.is_model_ready("mlp")
        assert not client.is_server_ready()
        with pytest.raises(InferenceServerException, match="unavailable: it was unloaded"):
            client.infer("mlp", given(library, mlp.x))
        index = client.get_model_repository_index()
        (row,) = index if isinstance(index, list) else index.models
        assert member(row, "state") == "UNAVAILABLE"
        client.load_model("mlp", **owner)
        assert client.is_server_ready()
        answer = client.infer("mlp", given(library, mlp.x))
        np.testing.assert_allclose(answer.as_numpy("y"), mlp.answer(), rtol=1e-4, atol=1e-5)


@CLIENTS
@pytest.mark.parametrize("load", [ab.Bundle.load, ab.Pair.load])
def test_each_answer_is_of_the_version_that_it_names(
    library: Any, mlp: Any, start: Start, load: Any
) -> None:
    """Eight clients, a thousand versions: y is 3 columns of b2, which is the version's number."""
    zero = {name: np.zeros_like(value) for name, value in mlp.weights.items()}
    seen: set[str] = set()
    with load(mlp.path) as model:
        model.init()
        model.update(zero, version=0)
        server, done = start(model), threading.Event()

        def infer(_: int) -> int:
            count = 0
            with connect(library, server) as client:
                inputs = given(library, mlp.x)
                while not done.is_set() or not count:
                    answer = client.infer("mlp", inputs)
                    version = member(answer.get_response(), "model_version")
                    assert (answer.as_numpy("y") == np.float32(version)).all()
                    seen.add(version)
                    count += 1
            return count

        with ThreadPoolExecutor(THREADS) as pool:
            running = [pool.submit(infer, at) for at in range(THREADS)]
            try:
                for version in range(1, VERSIONS + 1):
                    model.update({"b2": np.full(3, version, np.float32)}, version=version)
            finally:
                done.set()
            assert all(one.result() for one in running)
        assert len(seen) > 1
