"""ais_bench's `MultiDeviceSession`: each of many feeds on a device of its own, at the same time.

ais_bench starts a process for each; here threads do, as a session lets go of the GIL.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from acl_bundle.compat.ais_bench import InferSession

__all__ = ["MemorySummary", "MultiDeviceSession"]

Work = Callable[[InferSession, Any], Any]


class DeviceTimes(dict[int, list[float]]):
    """Milliseconds of each feed by device. ais_bench's programs ask for it with or without ()."""

    def __call__(self) -> DeviceTimes:
        return self


class MultiDeviceSession:
    """A model on several devices. Each call loads it for each feed, runs, and frees it.

    Args:
        model_path: The .om file, a bundle or a plain model.
        acl_json_path: What aclInit is given; None for nothing.
        debug: Whether each inference is logged, by `logging`, at level DEBUG.
        loop: How often each inference is repeated.

    Attributes:
        summary: Milliseconds of each feed of the last call, by device.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        acl_json_path: str | None = None,
        debug: bool = False,
        loop: int = 1,
    ) -> None:
        self.model_path: str | os.PathLike[str] = model_path
        self.acl_json_path: str | None = acl_json_path
        self.debug: bool = debug
        self.loop: int = loop
        self.summary: DeviceTimes = DeviceTimes()

    def infer(
        self,
        device_feeds: Mapping[int, Sequence[Any]],
        mode: str = "static",
        custom_sizes: int | Sequence[int] = 100000,
    ) -> dict[int, list[Any]]:
        """Run each feeds of each device, as `InferSession.infer`.

        Args:
            device_feeds: For each device a list, each element of which is a run's feeds.
            mode: As there.
            custom_sizes: As there.

        Returns:
            The outputs of each feeds, by device, in order.

        Raises:
            What `InferSession` and its `infer` raise; the other runs are over then, too.
        """
        return self._each(device_feeds, lambda one, feeds: one.infer(feeds, mode, custom_sizes))

    def infer_pipeline(
        self,
        device_feeds_list: Mapping[int, Sequence[Any]],
        mode: str = "static",
        custom_sizes: int | Sequence[int] = 100000,
    ) -> dict[int, list[Any]]:
        """Run each list of feeds of each device, as `InferSession.infer_pipeline`."""
        return self._each(
            device_feeds_list, lambda one, feeds: one.infer_pipeline(feeds, mode, custom_sizes)
        )

    def infer_iteration(
        self,
        device_feeds: Mapping[int, Sequence[Any]],
        in_out_list: Sequence[int] | None = None,
        iteration_times: int = 1,
        mode: str = "static",
        custom_sizes: int | Sequence[int] | None = None,
    ) -> dict[int, list[Any]]:
        """Run each feeds of each device, as `InferSession.infer_iteration`."""
        sizes = 100000 if custom_sizes is None else custom_sizes
        return self._each(
            device_feeds,
            lambda one, feeds: one.infer_iteration(
                feeds, in_out_list, iteration_times, mode, sizes
            ),
        )

    def _each(self, device_feeds: Mapping[int, Sequence[Any]], work: Work) -> dict[int, list[Any]]:
        jobs = [(device, feeds) for device, many in device_feeds.items() for feeds in many]
        outputs: dict[int, list[Any]] = {
            device: [] for device, many in device_feeds.items() if many
        }
        self.summary.clear()
        self.summary.update({device: [] for device in outputs})
        with ThreadPoolExecutor(max(len(jobs), 1)) as pool:
            done = [pool.submit(self._one, device, feeds, work) for device, feeds in jobs]
        for (device, _), future in zip(jobs, done, strict=True):
            made, seconds = future.result()
            outputs[device].append(made)
            self.summary[device].append(seconds * 1e3)
        return outputs

    def _one(self, device: int, feeds: Any, work: Work) -> tuple[Any, float]:
        with InferSession(
            device, self.model_path, self.acl_json_path, self.debug, self.loop
        ) as session:
            start = time.perf_counter()
            made = work(session, feeds)
            return made, time.perf_counter() - start


class MemorySummary:
    """Times of copies, of which nothing is known here: all lists are empty."""

    @staticmethod
    def get_h2d_time_list() -> list[float]:
        """Return no times of copies to the device."""
        return []

    @staticmethod
    def get_d2h_time_list() -> list[float]:
        """Return no times of copies from the device."""
        return []

    @staticmethod
    def reset() -> None:
        """Do nothing."""
