"""The trainer's half: weights over HTTP to a server that takes them. It needs no extra."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPException
from types import MappingProxyType
from typing import Any, SupportsIndex
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from acl_bundle._base.arrays import label_of
from acl_bundle._names.given import Given
from acl_bundle.errors import UpdateError, VersionExistsError
from acl_bundle.follow._publishers.published import some
from acl_bundle.follow._versions.order import order_of
from acl_bundle.follow._versions.sign import check_key, noted
from acl_bundle.weights import to_bytes

ERROR_MAX = 1 << 16


def place_of(model: str) -> str:
    """Return what a signature says beside the version: which model the weights are for."""
    return f"http:{model}"


def post_weights(
    url: str,
    weights: Given,
    version: SupportsIndex | str,
    *,
    model: str,
    token: str | None = None,
    signing_key: bytes | None = None,
    timeout: float = 60.0,
) -> dict[str, Any]:
    """Give a running server's model new weights. Blocks until it infers with them.

    Args:
        url: Where the server is: ``"http://127.0.0.1:8000"``.
        weights: Arrays by name, or what else an update takes; all are in memory at once.
        version: A version with a number, greater than that of the last.
        model: Which of the server's models.
        token: The server's.
        signing_key: The server's. Bytes, at least 16.
        timeout: Seconds that the connection may be silent.

    Returns:
        What the server says: ``model_name``, ``model_version``, ``nbytes``, and ``seconds``, which
        the update took there.

    Raises:
        TypeError, ValueError: An argument cannot be what it is, or the version has no number.
        WeightError: safetensors cannot hold a weight, or there is none.
        VersionExistsError: The model has that version or a newer one; nothing was changed.
        PermissionError: The token or the signature is not the server's.
        UpdateError: The server refused the weights, and says why; nothing was changed.
        OSError: The server cannot be reached. The same call again applies the version, or
            tells by VersionExistsError that it was applied.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"url is {url!r}; http://host:port is right")
    label = label_of(version)
    number = order_of(label)[-1]
    if signing_key is not None:
        check_key(signing_key)
    given, note = noted(some(weights, ()), number, place_of(model), signing_key)
    body = to_bytes(given, metadata=note)
    path = f"/v2/models/{quote(model, safe='')}/weights?version={quote(str(label), safe='')}"
    headers = {"Content-Type": "application/octet-stream"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    found: dict[str, Any] = asked(url, path, body, headers, timeout=timeout)
    return found


def asked(
    url: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    *,
    timeout: float,
) -> Any:
    """Ask a server something, with a POST where there is a body; return the JSON that it says.

    Raises:
        As `post_weights`, of which this is the half that sends.
    """
    request = Request(url.rstrip("/") + path, body, dict(headers))
    try:
        with urlopen(request, timeout=timeout) as response:
            return json.load(response)
    except HTTPError as error:
        with error:
            raise _error(error.code, _told(error.read(ERROR_MAX))) from None
    except URLError as error:
        raise ConnectionError(f"{url} cannot be reached: {error.reason}") from None
    except TimeoutError:
        raise TimeoutError(f"{url} said nothing for {timeout} seconds") from None
    except (HTTPException, ValueError) as error:  # json.load: no JSON, or no text
        what = f"{type(error).__name__}: {error}"
        raise ConnectionError(f"{url} does not answer as a server of this kind: {what}") from None


def _told(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "backslashreplace")


def _error(status: int, text: str) -> Exception:
    if status == 409:
        return VersionExistsError(text)
    if status in (401, 403):
        return PermissionError(text)
    return UpdateError(f"the server refused it ({status}): {text}")
