"""Signed versions: what is applied is what the holder of the key published, as that version."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle import weights as files
from acl_bundle.follow._versions import sign

from .. import policy
from ..conftest import Server
from ..following import QUICK, following, until
from ..memory import Memory

KEY, NEXT_KEY = b"0123456789abcdef-of-tests", b"another-key-of-tests-after-it"


def publish(folder: Path, version: int, key: bytes | None = KEY, **options: Any) -> Path:
    return follow.publish_directory(
        folder, policy.weights(version), version, signing_key=key, **options
    )


def signed(bundle: ab.Bundle, folder: Path, key: Any = KEY, **options: Any) -> follow.Follower:
    return following(bundle, folder, signing_key=key, **options)


def redis_publish(server: Server, version: int, key: bytes | None = KEY, name: str = "p") -> None:
    follow.publish_redis(
        server.url, policy.weights(version), version, key=name, keep=9, signing_key=key
    )


def redis_signed(bundle: ab.Bundle, server: Server, **options: Any) -> follow.Follower:
    source = follow.Redis(server.url, "p", poll=0.05)
    return ab.follow(bundle, source, backoff=QUICK, signing_key=KEY, **options)


def opened(folder: Path, key: bytes = KEY) -> dict[str, Any]:
    """Open the newest version of a directory as a follower with a key does."""
    source = follow.Directory(folder)
    try:
        listed = source.versions()[-1]
        assert isinstance(listed, follow.Checkpoint)
        with sign.verified(listed, (key,)) as found:
            return dict(found)
    finally:
        source.close()


def opened_bytes(data: bytes, version: int = 3) -> dict[str, Any]:
    """Open a file's bytes as the ones that a directory offers."""
    place = f"directory:weights-{version}.safetensors"
    one = follow.Checkpoint(version, (1, version), lambda: files.Safetensors(data), place=place)
    with sign.verified(one, (KEY,)) as found:
        return dict(found)


def same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return found.keys() == wanted.keys() and all(
        found[name].dtype == wanted[name].dtype
        and found[name].shape == wanted[name].shape
        and found[name].tobytes() == wanted[name].tobytes()
        for name in wanted
    )


def test_directory_round_trip(bundle: ab.Bundle, tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with signed(bundle, tmp_path) as follower:
        follower.wait_for(1, 10)
        publish(tmp_path, 2, latest="LATEST")
        follower.wait_for(2, 10)
        metrics = follower.metrics
    assert policy.held(bundle) == 2
    assert (metrics.applied, metrics.refused, metrics.errors) == (2, 0, 0)


def test_redis_round_trip(bundle: ab.Bundle, server: Server) -> None:
    redis_publish(server, 1)
    with redis_signed(bundle, server) as follower:
        follower.wait_for(1, 10)
        redis_publish(server, 2)
        follower.wait_for(2, 10)
        metrics = follower.metrics
    assert policy.held(bundle) == 2
    assert metrics.lag is not None
    assert (metrics.applied, metrics.refused, metrics.errors) == (2, 0, 0)


def test_what_is_signed_can_be_followed_without_a_key(bundle: ab.Bundle, tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with following(bundle, tmp_path) as follower:
        follower.wait_for(1, 10)


def test_every_kind_of_array(tmp_path: Path) -> None:
    weights = {
        "bf16": np.arange(6, dtype=ml_dtypes.bfloat16).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">f4"),
        "scalar": np.array(7, np.int64),
        "none": np.zeros((0, 3), np.float32),
        "ä": np.array([True, False]),
    }
    follow.publish_directory(tmp_path, weights, 1, signing_key=KEY)
    native = {name: one.astype(one.dtype.newbyteorder("=")) for name, one in weights.items()}
    assert same(opened(tmp_path), native)


def test_torch_tensors(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    given = {
        "p": torch.nn.Parameter(torch.ones(2, 3)),
        "b": torch.ones(3, dtype=torch.bfloat16),
    }
    follow.publish_directory(tmp_path, given, 1, signing_key=KEY)
    wanted = {"p": np.ones((2, 3), np.float32), "b": np.ones(3, ml_dtypes.bfloat16)}
    assert same(opened(tmp_path), wanted)


def test_the_format(tmp_path: Path) -> None:
    """The bytes that are signed, written out by hand: other languages' publishers need them."""
    import hashlib  # noqa: PLC0415
    import hmac  # noqa: PLC0415

    file = follow.publish_directory(tmp_path, {"w": np.ones((1, 2), "f4")}, 7, signing_key=KEY)
    with files.open(file) as found:
        note = found.metadata
    digest = hashlib.sha256(np.ones(2, "<f4").tobytes()).hexdigest()
    assert json.loads(note["acl_bundle.digests"]) == {"w": digest}
    texts = (
        "acl_bundle.signature.1", "directory:weights-7.safetensors", "7",
        note["acl_bundle.published"], "1", "w", "float32", "1,2", digest,
    )  # fmt: skip
    message = b"".join(len(one).to_bytes(8, "little") + one.encode() for one in texts)
    mac = hmac.new(KEY, message, hashlib.sha256).hexdigest()
    assert note["acl_bundle.signature"] == mac


def test_any_flipped_byte_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    weights = {"w": np.arange(6, dtype=np.float32), "b": np.arange(3, dtype=np.int8)}
    file = follow.publish_directory(tmp_path, weights, 3, signing_key=KEY)
    genuine, refused = file.read_bytes(), 0
    for at in range(len(genuine)):
        for flip in (0x01, 0x20, 0xFF):
            altered = bytearray(genuine)
            altered[at] ^= flip
            try:
                assert same(opened_bytes(bytes(altered)), weights), at
            except ab.SignatureError:
                refused += 1
    data = sum(one.nbytes for one in weights.values())
    assert refused >= 3 * data


def test_every_byte_of_the_values_counts(tmp_path: Path) -> None:
    weights = {"w": np.arange(6, dtype=np.float32)}
    file = follow.publish_directory(tmp_path, weights, 3, signing_key=KEY)
    genuine = file.read_bytes()
    for at in range(len(genuine) - 24, len(genuine)):
        altered = genuine[:at] + bytes([genuine[at] ^ 1]) + genuine[at + 1 :]
        with pytest.raises(ab.SignatureError, match="weight 'w' was altered since it was signed"):
            opened_bytes(altered)
    for cut in range(len(genuine)):
        with pytest.raises(ab.SignatureError):
            opened_bytes(genuine[:cut])


def test_values_that_change_places_are_refused(tmp_path: Path) -> None:
    """Two weights of one dtype and shape: the bytes of one under the name of the other."""
    weights = {"a": np.zeros(2, np.float32), "b": np.ones(2, np.float32)}
    file = follow.publish_directory(tmp_path, weights, 1, signing_key=KEY)
    genuine = file.read_bytes()
    file.write_bytes(genuine[:-16] + genuine[-8:] + genuine[-16:-8])
    with pytest.raises(ab.SignatureError, match="was altered"):
        opened(tmp_path)


def test_what_is_applied_is_what_was_verified(tmp_path: Path) -> None:
    """T1 opens a version, T2 writes into the file: T1's values stay the ones it verified."""
    file = publish(tmp_path, 1)
    source = follow.Directory(tmp_path)
    (listed,) = source.versions()
    assert isinstance(listed, follow.Checkpoint)
    with sign.verified(listed, (KEY,)) as found:
        with open(file, "r+b") as other:
            other.seek(-64, os.SEEK_END)
            other.write(b"\xff" * 64)
        assert same(found, policy.weights(1))
    source.close()


def unsigned(folder: Path) -> None:
    publish(folder, 999, key=None)


def other_key(folder: Path) -> None:
    publish(folder, 999, key=NEXT_KEY)


def as_another_number(folder: Path) -> None:
    shutil.copy(folder / "weights-1.safetensors", folder / "weights-999.safetensors")


def as_another_number_with_its_note(folder: Path) -> None:
    """The note of the version is changed, too; both have three digits, so nothing moves."""
    other = publish(folder / "other", 111)
    data = other.read_bytes().replace(b'version":"111"', b'version":"999"')
    (folder / "weights-999.safetensors").write_bytes(data)


def under_another_name(folder: Path) -> None:
    file = publish(folder / "other", 999, name="critic-{version}.safetensors")
    shutil.copy(file, folder / "weights-999.safetensors")


def of_a_redis_policy(folder: Path) -> None:
    weights = policy.weights(999)
    published, note = sign.noted(weights, 999, "redis:p:weights:999", KEY)
    files.save(published, folder / "weights-999.safetensors", metadata=note)


def altered(folder: Path) -> None:
    file = publish(folder, 999)
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def cut_short(folder: Path) -> None:
    file = publish(folder, 999)
    file.write_bytes(file.read_bytes()[:-1])


def without_digests(folder: Path) -> None:
    note = {"acl_bundle.version": "999", "acl_bundle.signature": "0" * 64}
    files.save(policy.weights(9), folder / "weights-999.safetensors", metadata=note)


def odd_digests(folder: Path) -> None:
    for number, text in enumerate(('{"b":1,"w":2}', '{"b":"é","w":"é"}', "[" * 9999, "\\ud800")):
        note = {"acl_bundle.digests": text, "acl_bundle.signature": "é"}
        file = folder / f"weights-{999 - number}.safetensors"
        files.save(policy.weights(9), file, metadata=note)


def npz(folder: Path) -> None:
    np.savez(folder / "weights-999.npz", **policy.weights(9))


def npy_folder(folder: Path) -> None:
    (folder / "weights-999").mkdir()
    for name, array in policy.weights(9).items():
        np.save(folder / "weights-999" / f"{name}.npy", array)


def junk(folder: Path) -> None:
    for number in range(900, 1000):
        (folder / f"weights-{number}.bin").write_bytes(b"junk")


def link_out(folder: Path) -> None:
    publish(folder / "other", 999)
    outside = folder.parent / f"{folder.name}-outside"
    (folder / "other").rename(outside)
    (folder / "weights-999.safetensors").symlink_to(outside / "weights-999.safetensors")


FORGED = (
    unsigned, other_key, as_another_number, as_another_number_with_its_note, under_another_name,
    of_a_redis_policy, altered, cut_short, without_digests, odd_digests, npz, npy_folder, junk,
    link_out,
)  # fmt: skip


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("forge", FORGED)
def test_a_forged_version_refuses_itself_alone(
    bundle: ab.Bundle, tmp_path: Path, forge: Any, first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Below it genuine versions are found and go on, before and after it was seen."""
    told: list[Any] = []
    publish(tmp_path, 1)
    publish(tmp_path, 3)
    if first:
        forge(tmp_path)
    with signed(
        bundle, tmp_path, on_refused=lambda *what: told.append(what), after=None
    ) as follower:
        follower.wait_for(3, 20)
        if not first:
            forge(tmp_path)
        until(lambda: any(version == 999 for version, _ in told))
        genuine = policy.weights(4)
        (staged,) = [publish(tmp_path.parent / f"{tmp_path.name}-staged", 4)]
        staged.rename(tmp_path / staged.name)  # as a trainer that forged ones do not stop
        follower.wait_for(4, 20)
        assert follower.metrics.version == bundle.version == 4
        assert follower.metrics.applied == 2
        assert isinstance(follower.metrics.last_error, ab.SignatureError)
    assert policy.held(bundle) == genuine["w"][0, 0]
    assert all(isinstance(error, ab.SignatureError) for _, error in told)
    warned = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert any("version 999 is refused" in one.getMessage() for one in warned)


def test_a_genuine_version_above_a_forged_one(bundle: ab.Bundle, tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with signed(bundle, tmp_path) as follower:
        follower.wait_for(1, 10)
        publish(tmp_path, 2, key=None)
        with pytest.raises(ab.SignatureError, match="is not signed"):
            follower.wait_for(2, 10)
        publish(tmp_path, 3)
        follower.wait_for(3, 10)


def test_a_forged_version_is_replaced_by_the_genuine_one(bundle: ab.Bundle, tmp_path: Path) -> None:
    genuine = publish(tmp_path.parent / f"{tmp_path.name}-genuine", 2)
    publish(tmp_path, 2, key=None)
    with signed(bundle, tmp_path) as follower:
        until(lambda: follower.metrics.refused)
        os.replace(genuine, tmp_path / genuine.name)
        until(lambda: follower.metrics.version == 2)
        assert follower.metrics.refused == 0


def test_an_older_genuine_version_is_not_applied_after_a_newer_one(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    old = publish(tmp_path, 1)
    kept = old.read_bytes()
    publish(tmp_path, 2, keep=2)
    publish(tmp_path, 3, keep=2)
    assert not old.exists()
    with signed(bundle, tmp_path) as follower:
        follower.wait_for(3, 10)
        old.write_bytes(kept)
        (tmp_path / "LATEST").write_text(old.name)
        until(lambda: "older than what was followed" in str(follower.metrics.last_error))
        assert follower.metrics.applied == 1
    assert policy.held(bundle) == bundle.version == 3


def test_rotation(bundle: ab.Bundle, tmp_path: Path) -> None:
    with signed(bundle, tmp_path, [NEXT_KEY, KEY]) as follower:
        publish(tmp_path, 1, key=KEY)
        follower.wait_for(1, 10)
        publish(tmp_path, 2, key=NEXT_KEY)
        follower.wait_for(2, 10)
        publish(tmp_path, 3, key=b"a third key of enough bytes")
        with pytest.raises(ab.SignatureError, match="signature is not of this version and place"):
            follower.wait_for(3, 10)
    assert policy.held(bundle) == 2


def test_a_genuine_version_that_does_not_fit_is_refused_for_good(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    with signed(bundle, tmp_path) as follower:
        follow.publish_directory(tmp_path, {"w": np.zeros(3, "f4")}, 1, signing_key=KEY)
        with pytest.raises(ab.WeightError):
            follower.wait_for(1, 10)
        assert (follower.metrics.refused, follower.metrics.errors) == (1, 0)


def test_nan_is_refused_with_finite(bundle: ab.Bundle, tmp_path: Path) -> None:
    with signed(bundle, tmp_path, finite=True) as follower:
        odd = {**policy.weights(1), "b": np.full(policy.COLUMNS, np.nan, np.float32)}
        follow.publish_directory(tmp_path, odd, 1, signing_key=KEY)
        with pytest.raises(ab.WeightError):
            follower.wait_for(1, 10)
        publish(tmp_path, 2)
        follower.wait_for(2, 10)
    assert policy.held(bundle) == 2


def test_a_transform_gets_what_was_verified(bundle: ab.Bundle, tmp_path: Path) -> None:
    given = {f"module.{name}": one for name, one in policy.weights(1).items()}
    follow.publish_directory(tmp_path, given, 1, signing_key=KEY)
    with signed(
        bundle, tmp_path, transform=lambda found: files.rename(found, strip_prefix="module.")
    ) as follower:
        follower.wait_for(1, 10)
    assert policy.held(bundle) == 1


def redis_unsigned(server: Server) -> None:
    redis_publish(server, 999, key=None)


def redis_other_policy(server: Server) -> None:
    redis_publish(server, 999, name="q")
    server.client.copy("q:weights:999", "p:weights:999")
    server.client.set("p:version", 999)


def redis_another_number(server: Server) -> None:
    server.client.copy("p:weights:1", "p:weights:999")
    server.client.set("p:version", 999)


def redis_other_key(server: Server) -> None:
    redis_publish(server, 999, key=NEXT_KEY)


def redis_hash(server: Server) -> None:
    server.client.hset("p:weights:999", "w", "1")
    server.client.set("p:version", 999)


def redis_altered(server: Server) -> None:
    redis_publish(server, 999)
    server.client.setrange("p:weights:999", server.client.strlen("p:weights:999") - 1, b"\x55")


REDIS_FORGED = (
    redis_unsigned, redis_other_policy, redis_another_number, redis_other_key, redis_hash,
    redis_altered,
)  # fmt: skip


@pytest.mark.parametrize("forge", REDIS_FORGED)
def test_redis_a_forged_version_refuses_itself_alone(
    bundle: ab.Bundle, server: Server, forge: Any
) -> None:
    redis_publish(server, 1)
    redis_publish(server, 2)
    forge(server)
    with redis_signed(bundle, server) as follower:
        follower.wait_for(2, 10)
        with pytest.raises(ab.SignatureError):
            follower.wait_for(999, 10)
        server.client.set("p:version", 2)  # as an operator does who saw the warning
        redis_publish(server, 3)
        follower.wait_for(3, 10)
        assert follower.metrics.applied == 2
    assert policy.held(bundle) == bundle.version == 3


def test_redis_one_that_is_too_large_is_no_version(bundle: ab.Bundle, server: Server) -> None:
    redis_publish(server, 1)
    server.client.set("p:weights:999", bytes(10**6))
    server.client.set("p:version", 999)
    source = follow.Redis(server.url, "p", poll=0.05, max_bytes=10**6 - 1)
    with ab.follow(bundle, source, backoff=QUICK, signing_key=KEY) as follower:
        follower.wait_for(1, 10)


def test_a_source_of_ones_own_has_no_place(bundle: ab.Bundle) -> None:
    source = Memory()
    source.put(1, policy.weights(1))
    with (
        ab.follow(bundle, source, backoff=QUICK, signing_key=KEY) as follower,
        pytest.raises(ab.SignatureError, match="of a kind that cannot be signed"),
    ):
        follower.wait_for(1, 10)
    assert policy.held(bundle) == 0


SHORT = b"fifteen bytes.."


@pytest.mark.parametrize(
    ("key", "kind", "message"),
    [
        (SHORT, ValueError, "has 15 bytes; 16 or more are right"),
        (b"", ValueError, "has 0 bytes"),
        (KEY.decode(), TypeError, "is of str; bytes are right"),
        ([KEY.decode()], TypeError, "is of str"),
        ([KEY, SHORT], ValueError, "has 15 bytes"),
        ([], ValueError, "is an empty sequence"),
        (7, TypeError, "is of int"),
    ],
)
def test_what_is_no_key(
    bundle: ab.Bundle, tmp_path: Path, key: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as raised:
        signed(bundle, tmp_path, key)
    assert SHORT.decode() not in str(raised.value)
    assert KEY.decode() not in str(raised.value)
    publishers = (follow.publish_directory, follow.publish_redis)
    for call in publishers if not isinstance(key, list) else ():
        with pytest.raises(kind, match=message):
            call(str(tmp_path / "folder"), policy.weights(1), 1, signing_key=key)
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_in_no_text(
    bundle: ab.Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    publish(tmp_path, 1)
    publish(tmp_path, 2, key=NEXT_KEY)
    with signed(
        bundle, tmp_path,
        on_error=lambda error: texts.append(repr(error)),
        on_refused=lambda _, error: texts.append(repr(error)),
    ) as follower:  # fmt: skip
        follower.wait_for(1, 10)
        until(lambda: texts)
        reachable = [follower, follower._loop, *vars(follower._loop).values()]
        texts += [repr(one) for one in reachable]
        texts += [str(follower.metrics), caplog.text]
    for file in tmp_path.iterdir():
        texts.append(file.read_bytes().decode("latin-1"))
    for text in texts:
        for key in (KEY, NEXT_KEY):
            assert key.decode() not in text
            assert key.hex() not in text


@pytest.mark.parametrize("kind", [PermissionError, MemoryError])
def test_a_source_that_refuses_for_a_while_says_nothing_of_a_version(
    bundle: ab.Bundle, tmp_path: Path, kind: type[Exception]
) -> None:
    follow.publish_directory(tmp_path, policy.weights(1), 1, signing_key=KEY)
    failing = [kind("not now")]

    class Source(follow.Directory):
        def versions(self) -> list[Any]:
            listed: Any = super().versions()
            return [replace(one, open=partial(self.opened, one)) for one in listed]

        def opened(self, one: Any) -> Any:
            if failing:
                raise failing.pop()
            return one.open()

    source = Source(tmp_path, poll=0.01)
    with ab.follow(bundle, source, signing_key=KEY, backoff=QUICK) as follower:
        follower.wait_for(1, 10)
        assert (follower.metrics.refused, follower.metrics.errors) == (0, 1)
