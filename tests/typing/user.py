"""A user's program, which only has to type-check (test_user.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle.follow import Directory


def applied(report: ab.UpdateReport) -> None:
    print(report.version, report.nbytes)


def told(metrics: follow.Metrics) -> int:
    return assert_type(metrics.applied, int)


def serve(file: Path, folder: Path, x: NDArray[np.float32]) -> int | str | None:
    ab.build.from_onnx("policy.onnx", ["fc.weight"]).save(file)
    source: follow.Source = assert_type(ab.follow.Directory(folder), Directory)
    with ab.Bundle.load(file) as bundle, ab.weights.open("w.npz") as new:
        assert_type(new["fc.weight"], NDArray[Any])
        assert_type(bundle.update(ab.weights.rename(new, strip_prefix="m.")), ab.UpdateReport)
        assert_type(bundle.infer(x), NDArray[Any])
        assert_type(bundle.infer.run({"x": x}), ab.Outputs)
        assert_type(bundle.infer.submit(x).result(), NDArray[Any])
        assert_type(bundle.infer.submit({"x": x}).result(), ab.Outputs)
        for y in bundle.infer.stream([x, x]):
            assert_type(y, NDArray[Any])
        y_there = np.empty((1, 2), np.float32)
        assert_type(bundle.infer.run({"x": x}, {"y": y_there}), ab.Outputs)
        assert_type(bundle.infer.run({"x": x})["y"], NDArray[Any])
        there = assert_type(bundle.infer.run({"x": x}, "device"), ab.Outputs[ab.DeviceArray])
        assert_type(there["y"].to_host(), NDArray[Any])
        one = assert_type(bundle.infer(x, out="device"), ab.DeviceArray)
        mixed = bundle.infer.run([x], out={"y": one})
        assert_type(mixed["y"], NDArray[Any] | ab.DeviceArray)
        assert_type(bundle.infer.submit(x, out="device").result(), ab.DeviceArray)
        submitted = bundle.infer.submit([x], out="device", timeout_ms=1).result()
        assert_type(submitted["y"], ab.DeviceArray)
        for z in bundle.infer.stream([x], out="device"):
            assert_type(z, ab.DeviceArray)
        for outputs in bundle.infer.stream([{"x": x}], depth=3):
            assert_type(outputs, ab.Outputs)
        with ab.Pair.load(file, device=np.int8(0), roles={"infer": np.int64(0)}) as pair:
            assert_type(pair.infer.run([x], out="device"), ab.Outputs[ab.DeviceArray])
            assert_type(pair.infer(x, out=None), NDArray[Any])
            assert_type(pair.update({"w": x}, cast="same_kind", finite=np.True_), ab.UpdateReport)
            for y in pair.infer.stream([x]):
                assert_type(y, NDArray[Any])
        assert_type(ab.follow.publish_directory(folder, {"w": x}, 7), Path)
        ab.follow.publish("s3://bucket/policy", {"w": x}, 8, base=7, keep=4)
        ab.follow(bundle, "s3://bucket/policy").close()
        ab.follow(bundle, ab.follow.Objects("https://host/policy", bandwidth=1e6)).close()
        with ab.follow(bundle, source, stale_after=60, cast="same_kind", threads=2) as follower:
            assert_type(follower, follow.Follower)
            told(assert_type(follower.metrics, follow.Metrics))
            return follower.wait_for(7, timeout=1)
