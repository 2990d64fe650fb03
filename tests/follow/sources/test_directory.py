"""Directories: names, order, LATEST, what leads elsewhere, and how changes are noticed."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle import weights as files

from .. import policy
from ..following import QUICK, following, opened, publish, put, until


def listed(folder: Path, *arguments: Any, **options: Any) -> list[Any]:
    source = follow.Directory(folder, *arguments, **options)
    try:
        return [one.version for one in source.versions()]
    finally:
        source.close()


def test_numbers_in_names_order(tmp_path: Path) -> None:
    put(tmp_path, "step-9.safetensors", "step-10.safetensors", "step-0100.safetensors")
    assert listed(tmp_path) == [9, 10, 100]


def test_several_numbers_count_from_the_left(tmp_path: Path) -> None:
    names = ["epoch-2-step-9", "epoch-2-step-100", "epoch-10-step-1"]
    put(tmp_path, *reversed([f"{name}.safetensors" for name in names]))
    assert listed(tmp_path) == names


def test_a_pattern_can_say_which_number_counts(tmp_path: Path) -> None:
    put(tmp_path, "step-100.fp16.safetensors", "step-20.fp16.safetensors", "other-3.safetensors")
    assert listed(tmp_path, "step-*") == ["step-20.fp16", "step-100.fp16"]
    assert listed(tmp_path, "step-{version}.fp16.*") == [20, 100]


def test_names_without_numbers_go_by_time_and_before_all_others(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", "b.safetensors", "1.safetensors")
    for name, moment in (("a", 2), ("b", 1), ("1", 3)):
        os.utime(tmp_path / f"{name}.safetensors", ns=(moment, moment))
    assert listed(tmp_path) == ["b.safetensors@1", "a.safetensors@2", 1]


def test_a_name_that_is_replaced_is_a_new_version_each_time(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    with following(bundle, tmp_path) as follower:
        for version in (1, 2, 3):
            files.save(policy.weights(version), tmp_path / "policy.safetensors")
            until(lambda version=version: policy.held(bundle) == version)
        until(lambda: follower.metrics.applied == 3)
        last = follower.metrics.version
    moment = (tmp_path / "policy.safetensors").stat().st_mtime_ns
    assert bundle.version == last == f"policy.safetensors@{moment}"
    with following(bundle, tmp_path, after=last) as follower, pytest.raises(TimeoutError):
        follower.wait_for(timeout=0.3)


def test_temporary_and_hidden_names_do_not_count(tmp_path: Path) -> None:
    put(
        tmp_path, "1.safetensors", "2.safetensors.tmp", ".3.safetensors", "4.part", "_5",
        "6.TMP", "7.safetensors~", "8.incomplete",
    )  # fmt: skip
    assert listed(tmp_path) == [1]


@pytest.mark.timed
def test_latest_names_the_version_that_counts(bundle: ab.Bundle, tmp_path: Path) -> None:
    for version in (1, 2, 3):
        publish(tmp_path, version)
    latest = tmp_path / "LATEST"
    latest.write_text("weights-2.safetensors\n")
    assert listed(tmp_path) == [2]
    assert listed(tmp_path, "weights-*", latest=None) == [1, 2, 3]
    with following(bundle, tmp_path) as follower:
        follower.wait_for(2, 10)
        latest.write_text("weights-3.safetensors")
        follower.wait_for(3, 10)
        latest.write_text("weights-1.safetensors")
        until(lambda: follower.metrics.last_error is not None)
        time.sleep(0.3)
        metrics = follower.metrics
    assert bundle.version == 3
    assert "the newest version is 1 now, older than what was followed" in str(metrics.last_error)
    assert metrics.errors == 1


@pytest.mark.parametrize(
    "text", ["../2.safetensors", "/etc/passwd", "", "a/b", ".hidden", "..", "x\0y", "a\\b"]
)
def test_latest_that_leads_elsewhere_is_refused(tmp_path: Path, text: str) -> None:
    put(tmp_path, "1.safetensors")
    (tmp_path / "LATEST").write_text(text)
    with pytest.raises(ValueError, match="a name in the same directory is right"):
        listed(tmp_path)


@pytest.mark.timed
def test_latest_that_names_nothing_yet_is_waited_for(bundle: ab.Bundle, tmp_path: Path) -> None:
    (tmp_path / "LATEST").write_text("weights-1.safetensors")
    with following(bundle, tmp_path) as follower:
        time.sleep(0.2)
        publish(tmp_path, 1)
        follower.wait_for(1, 10)


def test_latest_that_names_nothing_is_told(bundle: ab.Bundle, tmp_path: Path) -> None:
    publish(tmp_path, 1)
    (tmp_path / "LATEST").write_text("weights-1")  # a slip: without its suffix
    with (
        following(bundle, tmp_path) as follower,
        pytest.raises(TimeoutError, match=r"No such file .*weights-1'"),
    ):
        follower.wait_for(1, 0.3)
    (tmp_path / "LATEST").write_text("best")
    with pytest.raises(FileNotFoundError, match="LATEST names 'best', which is not there"):
        listed(tmp_path)


@pytest.mark.timed
def test_latest_whose_version_has_gone_is_no_error_once_it_was_applied(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    publish(tmp_path, 1)
    (tmp_path / "LATEST").write_text("weights-1.safetensors\r\n")
    with following(bundle, tmp_path) as follower:
        follower.wait_for(1, 10)
        (tmp_path / "weights-1.safetensors").unlink()
        time.sleep(0.3)
        assert follower.metrics.errors == 0


def test_links_out_of_the_directory_are_refused(bundle: ab.Bundle, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    put(outside, "1.safetensors", "model.safetensors")
    (folder / "1.safetensors").symlink_to(outside / "1.safetensors")
    with (
        following(bundle, folder) as follower,
        pytest.raises(ValueError, match="a link that leads out of"),
    ):
        follower.wait_for(1, 10)
    (folder / "2").mkdir()
    (folder / "2" / "model.safetensors").symlink_to(outside / "model.safetensors")
    with pytest.raises(ValueError, match="a link that leads out of"):
        opened(folder)
    (folder / "3.safetensors").symlink_to(".stored")
    put(folder, ".stored")
    assert opened(folder).keys() == {"w", "b"}


def test_two_names_of_one_number_are_a_doubt(bundle: ab.Bundle, tmp_path: Path) -> None:
    put(tmp_path, "optimizer-5.safetensors", "policy-5.safetensors")
    with following(bundle, tmp_path) as follower:
        until(lambda: follower.metrics.errors >= 2)
        told = str(follower.metrics.last_error)
    assert "'optimizer-5.safetensors' and 'policy-5.safetensors' stand for version 5" in told
    assert bundle.version == 0
    assert listed(tmp_path, "policy-*") == [5]


def test_a_tensorflow_checkpoint_is_one_version(tmp_path: Path) -> None:
    for step in (1, 20):
        for suffix in (".index", ".data-00000-of-00001", ".meta"):
            (tmp_path / f"model.ckpt-{step}{suffix}").write_bytes(b"x")
    assert listed(tmp_path) == [1, 20]


def test_a_directory_may_come_go_and_come_again(bundle: ab.Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    with following(bundle, folder) as follower:
        until(lambda: follower.metrics.errors >= 1)
        publish(folder, 1)
        follower.wait_for(1, 10)
        shutil.rmtree(folder)
        errors = follower.metrics.errors
        until(lambda: follower.metrics.errors > errors)
        publish(folder, 2)
        follower.wait_for(2, 10)


def test_a_program_may_change_its_directory(
    bundle: ab.Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "checkpoints", tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    publish(folder, 1)
    with following(bundle, Path("checkpoints")) as follower:
        follower.wait_for(1, 10)
        monkeypatch.chdir(elsewhere)
        publish(folder, 2)
        follower.wait_for(2, 10)


def test_without_watchfiles_it_polls(
    bundle: ab.Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with following(bundle, tmp_path) as follower:
        publish(tmp_path, 1)
        follower.wait_for(1, 10)


@pytest.mark.timed
def test_a_notice_comes_long_before_the_poll(bundle: ab.Bundle, tmp_path: Path) -> None:
    pytest.importorskip("watchfiles")
    with ab.follow(bundle, follow.Directory(tmp_path, poll=1000)) as follower:
        time.sleep(0.3)
        publish(tmp_path, 1)
        follower.wait_for(1, 10)


@pytest.mark.parametrize("pattern", ["", "a/b", "../*", "{version}{version}", "a\0"])
def test_patterns_that_are_none(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ValueError, match="a glob of names in the directory is right"):
        follow.Directory(tmp_path, pattern)


def test_arguments_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="pattern is a glob"):
        follow.Directory(tmp_path, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"latest is '\.\./LATEST'"):
        follow.Directory(tmp_path, latest="../LATEST")
    with pytest.raises(ValueError, match="poll is 0 seconds"):
        follow.Directory(tmp_path, poll=0)


def test_without_a_watch_to_be_had_it_polls(
    bundle: ab.Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the system has no more watches to give, or the watch breaks."""
    watchfiles = pytest.importorskip("watchfiles")

    def none_left(*_: Any, **__: Any) -> Any:
        raise watchfiles._rust_notify.WatchfilesRustInternalError("Too many open files")
        yield

    def breaks(*_: Any, **__: Any) -> Any:
        yield set()
        raise RuntimeError("broken")

    for watch in (none_left, breaks):
        monkeypatch.setattr(watchfiles, "watch", watch)
        folder = tmp_path / watch.__name__
        publish(folder, 1)
        source = Counting(folder, poll=0.05)
        with ab.follow(bundle, source, backoff=QUICK) as follower:
            follower.wait_for(1, 10)
            looks, start = source.looks, time.monotonic()
            publish(folder, 2)
            follower.wait_for(2, 10)
            until(lambda: time.monotonic() - start > 0.5)  # noqa: B023
            metrics, looks = follower.metrics, source.looks - looks
        assert looks < 30
        assert metrics.errors == 0


class Counting(follow.Directory):
    """It counts how often it is looked at."""

    looks = 0

    def versions(self) -> Any:
        self.looks += 1
        return super().versions()


@pytest.mark.timed
def test_waiting_ends_at_stop(tmp_path: Path) -> None:
    source, stop = follow.Directory(tmp_path, poll=100), threading.Event()
    source.versions()
    threading.Timer(0.2, stop.set).start()
    start = time.monotonic()
    source.wait(100, stop)
    assert time.monotonic() - start < 5
    source.close()


@pytest.mark.parametrize("length", [251, 255, 300, 4000])
def test_a_name_that_no_file_can_have_is_no_fault_of_the_directory(
    length: int, tmp_path: Path
) -> None:
    """With the suffix of an index, or without, it may be longer than any name."""
    (tmp_path / "LATEST").write_text("7" + "n" * (length - 1))
    if length > 255:
        with pytest.raises(ValueError, match="a name has at most 255 bytes"):
            listed(tmp_path)
    else:
        assert listed(tmp_path) == [7]  # not there yet


def test_a_link_to_itself_does_not_hide_the_versions_beside_it(tmp_path: Path) -> None:
    (tmp_path / "weights-1.npz").symlink_to("weights-1.npz")
    (tmp_path / "weights-2.npz").write_bytes(b"")
    assert listed(tmp_path) == [2]
