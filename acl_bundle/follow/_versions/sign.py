"""Signatures: what a version was published as, by somebody who has the key.

The header of a signed safetensors file notes the SHA-256 of each tensor's bytes
and an HMAC-SHA-256 over `_message`: the place, the version, the time, and each
tensor's name, dtype, shape and digest, and the bases. The place is ``directory:<file name>`` or
``redis:<key of the value>``, so nothing goes under another name or number.

A follower checks the signature of the header, which was read once. Only then
it copies each value, and compares the digest with the copy, which is what the
bundle is given: whoever writes into the file meanwhile changes nothing of that.

A key is never part of a text: errors name its type and its length.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, TypeAlias

import numpy as np

from acl_bundle.errors import ClosedError, SignatureError
from acl_bundle.follow._versions.rivals import candidates
from acl_bundle.follow._versions.source import Checkpoint, Weights
from acl_bundle.follow._versions.stamp import BASES, PUBLISHED, stamp
from acl_bundle.weights import Safetensors
from acl_bundle.weights._base.json import parse
from acl_bundle.weights._base.pieces import raw
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array, Spec, fetch, spec_of

KEY_MIN: Final = 16
_DOMAIN: Final = "acl_bundle.signature.1"
_DIGESTS, _SIGNATURE = "acl_bundle.digests", "acl_bundle.signature"

Keys: TypeAlias = tuple[bytes, ...]


def check_key(key: object) -> bytes:
    """Return a key.

    Raises:
        TypeError, ValueError: It is not bytes, or too short to keep a secret.
    """
    if not isinstance(key, bytes):
        raise TypeError(f"signing_key: a key is of {type(key).__name__}; bytes are right")
    if len(key) < KEY_MIN:
        raise ValueError(
            f"signing_key: a key has {len(key)} bytes; {KEY_MIN} or more are right, such as those"
            " of secrets.token_bytes(32)"
        )
    return key


def check_keys(given: bytes | Sequence[bytes] | None) -> Keys | None:
    """Return the keys of a follower, each of which signs; None when nothing is signed.

    Raises:
        TypeError, ValueError: One is no key, or there is none in the sequence.
    """
    if given is None:
        return None
    keys = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not keys:
        raise ValueError("signing_key is an empty sequence; one key or more are right, or None")
    return tuple(map(check_key, keys))


def noted(
    weights: Weights, version: int, place: str, key: bytes | None, bases: Sequence[int] = ()
) -> tuple[Weights, dict[str, str]]:
    """Return what to publish, and what to note beside it.

    With a key the weights are copied, so what is signed is what is written.

    Raises:
        TypeError: The weights are no mapping of arrays.
    """
    note = stamp(version, bases)
    if key is None:
        return weights, note
    copies = {name: np.array(fetch(weights, name)) for name in weights}
    specs = {name: spec_of(copies, name) for name in copies}
    digests = {name: _digest(array) for name, array in copies.items()}
    message = _message(place, str(version), note, specs, digests)
    note[_DIGESTS] = json.dumps(digests, separators=(",", ":"), sort_keys=True)
    note[_SIGNATURE] = _mac(key, message)
    return copies, note


@contextmanager
def verified(checkpoint: Checkpoint, keys: Keys) -> Iterator[Weights]:
    """Open a version and yield what was signed, in memory of its own.

    Of several names of its number the first that is signed counts.

    Raises:
        SignatureError: It is not signed, or not as this version at this place by
            one of the keys, or something was altered since.
        FileNotFoundError, PermissionError, ConnectionError, TimeoutError: It has gone, or the
            source refuses or fails.
    """
    failed: list[Exception] = []
    for one in candidates(checkpoint):
        with ExitStack() as stack:
            try:
                found = _signed(one, keys, stack)
            except (SignatureError, FileNotFoundError, PermissionError) as error:
                failed.append(error)
                continue
            yield found
            return
    if len(failed) == 1:
        raise failed[0]
    raise SignatureError("; ".join(map(str, failed)))


def _signed(checkpoint: Checkpoint, keys: Keys, stack: ExitStack) -> _Signed:
    """Return what one name offers, kept open by the stack; see `verified`."""
    try:
        opened = _signable(stack.enter_context(checkpoint.open()), checkpoint.place)
        digests = _check_signature(opened, checkpoint, keys)
    except (SignatureError, FileNotFoundError, PermissionError):
        raise
    except (ConnectionError, TimeoutError, ClosedError, MemoryError):
        raise
    except Exception as error:  # of bytes that nobody vouches for
        raise SignatureError(f"its signature cannot be verified: {error}") from error
    return _Signed(opened, digests)


class _Signed(Source):
    """The weights of a signed file, copied and compared with their digests."""

    kind = "safetensors"

    def __init__(self, opened: Safetensors, digests: Mapping[str, str]) -> None:
        super().__init__(opened.file, {name: opened.spec(name) for name in opened})
        self.metadata = opened.metadata
        self._values = {name: _copied(opened, name, digests[name]) for name in opened}

    def _read(self, name: str) -> Array:
        return self._values[name]

    def _release(self) -> None:
        self._values = {}


def _copied(opened: Safetensors, name: str, digest: str) -> Array:
    copy = np.array(opened[name])
    if not hmac.compare_digest(_digest(copy), digest):
        raise SignatureError(f"{opened.file}: weight {name!r} was altered since it was signed")
    return copy


def _signable(opened: Weights, place: str | None) -> Safetensors:
    if isinstance(opened, Safetensors) and place is not None:
        return opened
    kind = getattr(opened, "kind", type(opened).__name__)
    raise SignatureError(
        f"{place or 'this source'}: it is of a kind that cannot be signed ({kind}); a safetensors"
        " file of publish_directory or publish_redis is right"
    )


def _check_signature(opened: Safetensors, checkpoint: Checkpoint, keys: Keys) -> dict[str, str]:
    """Return the digests of the weights, once they are known to be the publisher's."""
    note = opened.metadata
    if _SIGNATURE not in note:
        raise SignatureError(f"{checkpoint.place}: it is not signed, and only signed versions are")
    digests = _digests(note.get(_DIGESTS, "{}"), opened)
    specs = {name: opened.spec(name) for name in opened}
    message = _message(str(checkpoint.place), str(checkpoint.order[-1]), note, specs, digests)
    signature = note[_SIGNATURE].encode()
    if not any(hmac.compare_digest(_mac(key, message).encode(), signature) for key in keys):
        raise SignatureError(
            f"{checkpoint.place}: its signature is not of this version and place by a key of this"
            " follower: it was altered, published as another one, or signed with another key"
        )
    return digests


def _digests(text: str, opened: Safetensors) -> dict[str, str]:
    found = parse(text.encode(), opened.file, _DIGESTS)
    if not isinstance(found, dict) or found.keys() != set(opened):
        raise SignatureError(f"{opened.file}: {_DIGESTS} does not name its weights, each once")
    return {name: bytes.fromhex(digest).hex() for name, digest in found.items()}


def _digest(array: Array) -> str:
    return hashlib.sha256(raw(array)).hexdigest()


def _mac(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _message(
    place: str,
    version: str,
    note: Mapping[str, str],
    specs: Mapping[str, Spec],
    digests: Mapping[str, str],
) -> bytes:
    """Encode what is signed: texts, each after its length, so that no two manifests are alike."""
    texts = [_DOMAIN, place, version, note.get(PUBLISHED, ""), str(len(specs))]
    for name in sorted(specs):
        shape = ",".join(map(str, specs[name].shape))
        texts += [name, specs[name].dtype.name, shape, digests[name]]
    texts += [note[BASES]] if BASES in note else []
    return b"".join(map(_field, texts))


def _field(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")  # a file's name may be no Unicode
    return struct.pack("<Q", len(data)) + data
