"""``acl-bundle update``: a served model has new weights, or a copy of a file starts with them."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer

import acl_bundle as ab
from acl_bundle import weights
from acl_bundle.cli.app import app
from acl_bundle.server import Server, ServerLimits

from .conftest import TOKEN, Start, array_of, ask, numbers
from .test_posted import KEY

INFER = "/v2/models/mlp/infer"


@pytest.fixture
def given(mlp: Any, tmp_path: Path) -> list[str]:
    """The weights that are given, and the token."""
    weights.save(mlp.random(1), tmp_path / "w.safetensors")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "key").write_bytes(KEY)
    files = f"{tmp_path}/w.safetensors", f"{tmp_path}/token"
    return ["--weights", files[0], "--token-file", files[1]]


class Told(NamedTuple):
    """How the command ended, and what it printed."""

    status: int
    out: str
    err: str


Shell = Callable[..., Told]


@pytest.fixture
def update(capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run the command in this process."""

    def run(*arguments: str | Path) -> Told:
        with pytest.raises(SystemExit) as ended:
            typer.main.get_command(app).main([*map(str, ("update", *arguments))])
        status = ended.value.code
        assert isinstance(status, int)
        return Told(status, *capsys.readouterr())

    return run


def url_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


def test_a_served_model(
    mlp: Any, server: Server, bundle: ab.Bundle, given: list[str], update: Shell
) -> None:
    told = update(url_of(server), *given)
    assert (told.status, told.err) == (0, ""), told
    assert told.out.startswith("mlp has version 1: 780 bytes in ")
    reply = ask(server.port, "POST", INFER, numbers(mlp.x))
    np.testing.assert_allclose(array_of(reply), mlp.answer(mlp.random(1)), rtol=1e-4, atol=1e-5)
    assert bundle.version == 1
    told = update(url_of(server), *given, "--version", "step-9", "--model", "mlp", "--json")
    found = json.loads(told.out)
    assert found.pop("seconds") > 0
    assert found == {
        "schema": 1, "server": url_of(server), "model_name": "mlp", "model_version": "step-9",
        "nbytes": 780,
    }  # fmt: skip
    assert (told.status, bundle.version) == (0, "step-9")


def test_what_the_server_refuses(
    server: Server, bundle: ab.Bundle, given: list[str], update: Shell
) -> None:
    assert update(url_of(server), *given, "--version", "7").status == 0
    told = update(url_of(server), *given, "--version", "7", "--json")
    assert told.status == 1
    found = json.loads(told.out)
    assert "version '7' is not newer" in found["refused"]
    assert "version '7' is not newer" in told.err
    assert (found["model_name"], found["version"]) == ("mlp", "7")
    told = update(url_of(server), *given, "--select", "w1", "--rename", "w1=w9")
    assert (told.status, "has no weight 'w9'" in told.err) == (1, True), told
    assert bundle.version == 7


def test_names_and_layouts_are_changed_on_the_way(
    mlp: Any, server: Server, bundle: ab.Bundle, given: list[str], tmp_path: Path, update: Shell
) -> None:
    theirs = {f"model.{name}": value.T for name, value in mlp.random(2).items()}
    path = tmp_path / "theirs.safetensors"
    weights.save({name: np.ascontiguousarray(one) for name, one in theirs.items()}, path)
    changes = "--strip-prefix", "model.", "--transpose", "model.w*"
    assert update(url_of(server), *given[2:], "--weights", path, *changes).status == 0
    assert bundle.version == 1
    reply = ask(server.port, "POST", INFER, numbers(mlp.x))
    np.testing.assert_allclose(array_of(reply), mlp.answer(mlp.random(2)), rtol=1e-4, atol=1e-5)


def test_by_a_key(
    start: Start, bundle: ab.Bundle, given: list[str], tmp_path: Path, update: Shell
) -> None:
    server = start(bundle, signing_key=KEY)
    assert update(url_of(server), *given[:2], "--signing-key-file", tmp_path / "key").status == 0
    assert bundle.version == 1
    assert update(url_of(server), *given[:2]).status == 1  # it is not signed
    assert bundle.version == 1


def test_one_of_several_models(
    start: Start, bundle: ab.Bundle, given: list[str], update: Shell
) -> None:
    server = start({"a": bundle, "b": bundle}, token=TOKEN)
    told = update(url_of(server), *given)
    assert (told.status, "the server has a, b: say which with --model" in told.err) == (2, True)
    bundle.update({"b2": np.zeros(3, np.float32)}, version="step-7")
    told = update(url_of(server), *given, "--model", "b")
    assert (told.status, "'step-7': name the next, --version" in told.err) == (2, True), told
    assert update(url_of(server), *given, "--model", "b", "--version", "step-8").status == 0
    assert bundle.version == "step-8"


def test_without_a_token(
    server: Server, bundle: ab.Bundle, given: list[str], update: Shell
) -> None:
    told = update(url_of(server), *given[:2])
    assert (told.status, "needs the header Authorization" in told.err) == (2, True), told
    assert bundle.version == 0


def test_a_server_that_is_busy(
    start: Start, bundle: ab.Bundle, given: list[str], update: Shell
) -> None:
    server = start(bundle, token=TOKEN, limits=ServerLimits(weights=100))
    assert update(url_of(server), *given).status == 1
    assert bundle.version == 0


def test_no_server(given: list[str], update: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    told = update(f"http://127.0.0.1:{port}", *given)
    assert (told.status, f"127.0.0.1:{port} cannot be reached: " in told.err) == (2, True), told
    with socket.create_server(("127.0.0.1", port)):
        told = update(f"http://127.0.0.1:{port}", *given, "--timeout", "0.2")
    assert (told.status, "said nothing for 0.2 seconds" in told.err) == (2, True), told


def test_a_file(mlp: Any, tmp_path: Path, given: list[str], update: Shell) -> None:
    """It is what ``weights freeze`` writes, byte for byte."""
    new, frozen = tmp_path / "new.om", tmp_path / "frozen.om"
    told = update(mlp.path, *given[:2], "-o", new)
    assert (told.status, f"wrote {new}" in told.out) == (0, True), told
    weights.freeze(mlp.random(1), mlp.path, frozen)
    assert new.read_bytes() == frozen.read_bytes()
    assert new.read_bytes() != Path(mlp.path).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{url}", "--out", "x.om"], "--out is of a file"),
        (["{url}", "--timeout", "0"], "--timeout is 0.0 seconds"),
        (["policy.om"], "say --out for the new"),
        (["policy.om", "-o", "x.om", "--version", "3"], "--version is for a served model"),
        (["policy.om", "-o", "x.om", "--model", "m"], "--model is for a served model"),
    ],
)
def test_options_that_do_not_go_together(
    server: Server, given: list[str], arguments: list[str], message: str, update: Shell
) -> None:
    target, *more = arguments
    told = update(target.format(url=url_of(server)), *given[:2], *more)
    assert (told.status, message in " ".join(told.err.split())) == (2, True), told
