"""``acl-bundle update``: a post to a server, or what ``acl-bundle weights freeze`` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import typer

from acl_bundle.cli.serve.secrets import key_in, token_in
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.status import DIFFERENT, OK
from acl_bundle.cli.weights import freeze as freezing
from acl_bundle.cli.weights.inputs import Changes
from acl_bundle.errors import UpdateError, VersionExistsError, visible
from acl_bundle.server.post import asked, post_weights


@dataclass(frozen=True)
class PostWish:
    """Where weights go, and as what.

    Attributes:
        url: The server's.
        model: Which of its models; None for the one that it has.
        version: What they are called; None for one more than the model's.
        token_file: Holds the server's token.
        key_file: Holds a key of the server's.
        timeout: Seconds that the server may be silent.
    """

    url: str
    model: str | None
    version: str | None
    token_file: Path | None
    key_file: Path | None
    timeout: float


def post(path: Path, wish: PostWish, changes: Changes, as_json: bool) -> int:
    """Give a served model weights, and print what the server says.

    Returns:
        1 when the server refused them, 0 else.

    Raises:
        AclBundleError, ValueError: As for `Changes` and `post_weights`.
        OSError: A file cannot be read, or the server not be reached.
        typer.BadParameter: It has to be said which model or version.
    """
    if not 0 < wish.timeout < float("inf"):
        raise typer.BadParameter(f"--timeout is {wish.timeout} seconds; more than 0 is right")
    token = None if wish.token_file is None else token_in(wish.token_file)
    key = None if wish.key_file is None else key_in(wish.key_file)
    with changes.choice.open(path) as source:
        read, _, view = changes.of(source)
        model = _model(wish) if wish.model is None else wish.model
        version = _next(wish, model) if wish.version is None else _label(wish.version)
        try:
            with read.during("posting"):
                found = post_weights(
                    wish.url, view, version, model=model, token=token, signing_key=key,
                    timeout=wish.timeout,
                )  # fmt: skip
        except (UpdateError, VersionExistsError) as error:
            return _refused(wish.url, model, version, str(error), as_json)
    _show(wish.url, found, as_json)
    return OK


def _show(url: str, found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.document({"server": url, **found})
        return
    output.line(
        f"{found['model_name']} has version {found['model_version']}:"
        f" {found['nbytes']:,} bytes in {found['seconds']:.3g} s"
    )


def _refused(url: str, model: str, version: int | str, text: str, as_json: bool) -> int:
    if as_json:
        name, label = model, str(version)
        output.document({"server": url, "model_name": name, "version": label, "refused": text})
    print(f"acl-bundle: {visible(text)}", file=sys.stderr)
    return DIFFERENT


def _model(wish: PostWish) -> str:
    """Ask which model there is."""
    rows = asked(wish.url, "/v2/repository/index", b"{}", timeout=wish.timeout)
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and "name" in row for row in rows
    ):
        raise ConnectionError(f"{wish.url} does not list models: it is a server of another kind")
    names = [str(row["name"]) for row in rows]
    if len(names) != 1:
        raise typer.BadParameter(f"the server has {', '.join(names)}: say which with --model")
    return names[0]


def _next(wish: PostWish, model: str) -> int:
    """Ask for the model's version; return the one after it."""
    found = asked(wish.url, f"/v2/models/{quote(model, safe='')}", timeout=wish.timeout)
    now = str(found["versions"][0])
    if now and not (now.isascii() and now.isdigit()):
        raise typer.BadParameter(f"model {model!r} has version {now!r}: name the next, --version")
    return int(now or 0) + 1


def _label(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text


def freeze(
    path: Path,
    target: str,
    out: Path | None,
    given: Sequence[str],
    changes: Changes,
    as_json: bool,
) -> None:
    """Write a copy of a model file that starts with other weights; see ``weights freeze``.

    Raises:
        typer.BadParameter: The options are a served model's, or there is no ``--out``.
        AclBundleError, ValueError, OSError: As for ``weights freeze``.
    """
    if given:
        raise typer.BadParameter(
            f"{', '.join(given)} is for a served model, http://host:port; {target!r} is a file"
        )
    if out is None:
        raise typer.BadParameter(f"{target!r} is a file, and stays as it is: say --out for the new")
    freezing.run(path, (Path(target), out), (None, None), changes, as_json)
