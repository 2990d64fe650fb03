"""Weights that are posted: by whom, once, and never backwards."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow, weights
from acl_bundle.server import Server, ServerLimits, post_weights
from acl_bundle.server._last import LastPosted
from acl_bundle.testing import FakeAcl

from .conftest import TOKEN, Start, array_of, ask, numbers

KEY = b"a key of the tests of a server"
OWNER = {"Authorization": f"Bearer {TOKEN}"}


def url_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


def test_a_post_is_what_inference_reads(mlp: Any, server: Server, bundle: ab.Bundle) -> None:
    found = post_weights(url_of(server), mlp.random(7), 7, model="mlp", token=TOKEN)
    assert found.pop("seconds") > 0
    assert found == {"model_name": "mlp", "model_version": "7", "nbytes": 780}
    assert bundle.version == 7
    np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(mlp.random(7)), rtol=1e-4, atol=1e-5)
    part = {"b2": np.zeros(3, np.float32)}
    post_weights(url_of(server), part, "step-8", model="mlp", token=TOKEN)
    assert bundle.version == "step-8"
    text = server.metrics()
    assert 'acl_bundle_versions_total{model="mlp",outcome="seen"} 2.0' in text
    assert 'acl_bundle_versions_total{model="mlp",outcome="applied"} 2.0' in text


def test_curl_needs_nothing_of_ours(mlp: Any, server: Server, bundle: ab.Bundle) -> None:
    body = weights.to_bytes(mlp.random(1))
    reply = ask(server.port, "POST", "/v2/models/mlp/weights?version=1", body, OWNER)
    assert (reply.status, bundle.version) == (200, 1)


def test_never_twice_and_never_backwards(mlp: Any, server: Server, bundle: ab.Bundle) -> None:
    post_weights(url_of(server), mlp.random(7), 7, model="mlp", token=TOKEN)
    for version in (7, 6, "step-7"):
        with pytest.raises(ab.VersionExistsError, match="is not newer than the one"):
            post_weights(url_of(server), mlp.random(1), version, model="mlp", token=TOKEN)
    assert bundle.version == 7


@pytest.mark.parametrize(
    ("values", "version", "message"),
    [
        ({"w1": np.zeros(2, np.float32)}, 1, "weight 'w1' has shape"),
        ({"w9": np.zeros(2, np.float32)}, 1, "has no weight 'w9'"),
        ({"b2": np.zeros(3, np.float64)}, 1, "float64"),
    ],
)
def test_weights_that_do_not_fit(
    server: Server, bundle: ab.Bundle, values: Any, version: Any, message: str
) -> None:
    with pytest.raises(ab.UpdateError, match=message):
        post_weights(url_of(server), values, version, model="mlp", token=TOKEN)
    assert bundle.version == 0
    assert 'acl_bundle_versions_total{model="mlp",outcome="refused"} 1.0' in server.metrics()


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "message"),
    [
        ("mlp/weights?version=1", b"{}", {}, 401, "needs the header Authorization"),
        ("mlp/weights?version=1", b"{}", {"Authorization": "Basic x"}, 401, "Authorization"),
        (
            "mlp/weights?version=1",
            b"{}",
            {"Authorization": "Bearer \xe4"},
            403,
            "not this server's",
        ),
        ("mlp/weights", b"{}", OWNER, 400, "say which version it is"),
        ("mlp/weights?version=best", b"{}", OWNER, 400, "has no number to be ordered by"),
        ("mlp/weights?version=1", b"{}", OWNER, 400, "safetensors"),
        ("mlp/weights?version=1", bytes(4096), OWNER, 400, ""),
        ("policy/weights?version=1", b"{}", OWNER, 404, "there is no model 'policy'"),
    ],
)
def test_what_is_refused(
    server: Server,
    bundle: ab.Bundle,
    path: str,
    body: bytes,
    headers: Any,
    status: int,
    message: str,
) -> None:
    reply = ask(server.port, "POST", f"/v2/models/{path}", body, headers)
    assert (reply.status, message in reply.error) == (status, True), reply
    assert TOKEN not in reply.error
    assert bundle.version == 0


def test_it_is_off_without_a_token(mlp: Any, start: Start, bundle: ab.Bundle) -> None:
    server = start(bundle)
    with pytest.raises(PermissionError, match="posting weights is off"):
        post_weights(url_of(server), mlp.random(1), 1, model="mlp", token=TOKEN)
    reply = ask(server.port, "POST", "/v2/repository/models/mlp/unload", headers=OWNER)
    assert (reply.status, "unloading a model is off" in reply.error) == (403, True)
    assert bundle.version == 0


def test_only_what_a_key_signs(mlp: Any, start: Start, bundle: ab.Bundle) -> None:
    server = start(bundle, signing_key=[KEY[::-1], KEY])
    url, path = url_of(server), "/v2/models/mlp/weights?version="
    post_weights(url, mlp.random(1), 1, model="mlp", signing_key=KEY)
    assert bundle.version == 1
    with pytest.raises(ab.UpdateError, match="it is not signed"):
        post_weights(url, mlp.random(2), 2, model="mlp")
    with pytest.raises(ab.UpdateError, match="signed with another key"):
        post_weights(url, mlp.random(2), 2, model="mlp", signing_key=bytes(16))
    signed = follow._versions.sign.noted(mlp.random(2), 2, "http:mlp", KEY)
    body = weights.to_bytes(signed[0], metadata=signed[1])
    altered = body[:-1] + bytes([body[-1] ^ 1])
    for version, data, message in ((3, body, ""), (2, altered, "was altered")):
        reply = ask(server.port, "POST", f"{path}{version}", data)
        assert (reply.status, message in reply.error) == (400, True), reply
    assert bundle.version == 1
    assert ask(server.port, "POST", f"{path}2", body).status == 200
    assert ask(server.port, "POST", f"{path}2", body).status == 409


def test_a_body_beyond_the_limit(mlp: Any, start: Start, bundle: ab.Bundle) -> None:
    server = start(bundle, token=TOKEN, limits=ServerLimits(weights=100))
    with pytest.raises(ab.UpdateError, match="at most 100 are taken"):
        post_weights(url_of(server), mlp.random(1), 1, model="mlp", token=TOKEN)


def test_a_model_that_follows_takes_no_posts(
    mlp: Any, tmp_path: Path, start: Start, bundle: ab.Bundle
) -> None:
    server = start(bundle, token=TOKEN, sources={"mlp": follow.Directory(tmp_path)})
    with pytest.raises(ab.VersionExistsError, match="follows a source: publish the weights there"):
        post_weights(url_of(server), mlp.random(1), 1, model="mlp", token=TOKEN)


def test_urls_that_are_none() -> None:
    with pytest.raises(ValueError, match="url is 'localhost:8000'"):
        post_weights("localhost:8000", {}, 1, model="mlp")


def test_a_restart_forgets_no_version(
    mlp: Any, tmp_path: Path, start: Start, bundle: ab.Bundle
) -> None:
    """The weights went with the process: their version may come again, none before it."""
    kept = tmp_path / "posted.json"
    with Server({"mlp": bundle}, port=0, token=TOKEN, posted=kept) as first:
        post_weights(url_of(first), mlp.random(7), "step-7", model="mlp", token=TOKEN)
    server = start(bundle, token=TOKEN, posted=kept)
    with pytest.raises(ab.VersionExistsError, match="is not newer"):
        post_weights(url_of(server), mlp.random(6), "step-6", model="mlp", token=TOKEN)
    again = "step-7"
    bundle.update(mlp.weights, version=0)  # as the file's own weights
    post_weights(url_of(server), mlp.random(7), again, model="mlp", token=TOKEN)
    with pytest.raises(ab.VersionExistsError, match="is not newer"):
        post_weights(url_of(server), mlp.random(7), again, model="mlp", token=TOKEN)
    post_weights(url_of(server), mlp.random(8), 8, model="mlp", token=TOKEN)
    assert bundle.version == 8


def reload(server: Server) -> None:
    for what in ("unload", "load"):
        reply = ask(server.port, "POST", f"/v2/repository/models/mlp/{what}", headers=OWNER)
        assert reply.status == 200, reply


def posts(server: Server, mlp: Any, *versions: int) -> None:
    for version in versions:
        found = post_weights(url_of(server), mlp.random(version), version, model="mlp", token=TOKEN)
        assert found["model_version"] == str(version)


def has(server: Server, mlp: Any, version: int) -> None:
    """It answers with that version; 0 is the file's."""
    reply = ask(server.port, "POST", "/v2/models/mlp/infer", numbers(mlp.x))
    assert reply.json["model_version"] == str(version)
    right = mlp.answer(mlp.random(version) if version else mlp.weights)
    np.testing.assert_allclose(array_of(reply), right, rtol=1e-4, atol=1e-5)


def test_a_model_that_is_loaded_again_has_the_weights_of_its_file(
    mlp: Any, start: Start, fake_acl: FakeAcl
) -> None:
    """What was posted went with it: that version may come again, none before it."""

    def load() -> ab.Bundle:
        loaded = ab.Bundle.load(mlp.path)
        loaded.init()
        return loaded

    server = start(load, token=TOKEN)
    posts(server, mlp, 6, 7)
    for _ in range(2):
        reload(server)
        has(server, mlp, 0)
        with pytest.raises(ab.VersionExistsError, match="is not newer"):
            posts(server, mlp, 6)
        posts(server, mlp, 7)
        has(server, mlp, 7)
        with pytest.raises(ab.VersionExistsError, match="is not newer"):
            posts(server, mlp, 7)
    reload(server)
    posts(server, mlp, 8)
    with pytest.raises(ab.VersionExistsError, match="is not newer"):
        posts(server, mlp, 7)
    has(server, mlp, 8)


class Slotted:
    """A model to which nobody can refer weakly."""

    __slots__ = ("_bundle",)

    def __init__(self, bundle: ab.Bundle) -> None:
        self._bundle = bundle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bundle, name)


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_was_given_loaded_keeps_what_was_posted(
    mlp: Any, start: Start, bundle: ab.Bundle, wrapped: bool
) -> None:
    server = start(Slotted(bundle) if wrapped else bundle, token=TOKEN)
    posts(server, mlp, 7)
    reload(server)
    has(server, mlp, 7)
    with pytest.raises(ab.VersionExistsError, match="is not newer"):
        posts(server, mlp, 7)
    posts(server, mlp, 8)


def test_a_post_to_what_is_not_loaded(mlp: Any, server: Server, bundle: ab.Bundle) -> None:
    ask(server.port, "POST", "/v2/repository/models/mlp/unload", headers=OWNER)
    with pytest.raises(ab.UpdateError, match=r"\(503\).*'mlp' is not loaded"):
        posts(server, mlp, 7)
    ask(server.port, "POST", "/v2/repository/models/mlp/load", headers=OWNER)
    posts(server, mlp, 7)


class Answers(BaseHTTPRequestHandler):
    """What is no server of ours.

    Attributes:
        body: What it answers to each post.
    """

    body = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe\xff", b"[" * 3], ids=repr)
def test_an_answer_of_some_other_server(mlp: Any, body: bytes) -> None:
    kind = type("Answers", (Answers,), {"body": body})
    with HTTPServer(("127.0.0.1", 0), kind) as other:
        thread = threading.Thread(target=other.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{other.server_port}"
        with pytest.raises(ConnectionError, match="does not answer as a server of this kind"):
            post_weights(url, mlp.random(1), 1, model="mlp", token=TOKEN)
        thread.join(60)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": "acl_bundle.posted.1"}', '{"format": 1, "models": {}}',
             '{"format": "acl_bundle.posted.1", "models": {"mlp": 7}}',
             '{"format": "acl_bundle.posted.1", "models": {"mlp": "best"}}'],
)  # fmt: skip
def test_a_file_that_keeps_no_versions(tmp_path: Path, bundle: ab.Bundle, text: str) -> None:
    kept = tmp_path / "posted.json"
    kept.write_text(text)
    with pytest.raises(ValueError, match=r"posted\.json"):
        Server({"mlp": bundle}, port=0, posted=kept)
    with pytest.raises(FileNotFoundError, match="folder of posted versions"):
        Server({"mlp": bundle}, port=0, posted=tmp_path / "none" / "posted.json")


def test_a_version_that_cannot_be_kept(
    mlp: Any, tmp_path: Path, start: Start, bundle: ab.Bundle
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    server = start(bundle, token=TOKEN, posted=folder / "posted.json")
    folder.rmdir()
    with pytest.raises(ab.UpdateError, match=r"\(500\).*'7' was applied, but this cannot be kept"):
        post_weights(url_of(server), mlp.random(7), 7, model="mlp", token=TOKEN)
    assert bundle.version == 7
    with pytest.raises(ab.VersionExistsError, match="is not newer"):
        post_weights(url_of(server), mlp.random(7), 7, model="mlp", token=TOKEN)
    text = server.metrics()
    for outcome, count in (("seen", 2.0), ("applied", 1.0), ("refused", 1.0)):
        assert f'acl_bundle_versions_total{{model="mlp",outcome="{outcome}"}} {count}' in text
    folder.mkdir()
    post_weights(url_of(server), mlp.random(8), 8, model="mlp", token=TOKEN)
    assert LastPosted(folder / "posted.json").of("mlp") == "8"
