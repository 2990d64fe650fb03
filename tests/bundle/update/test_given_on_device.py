"""Arrays on a device that are made one at a time: by generators, lazy mappings and views."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake, follow
from acl_bundle import weights as files

from ..readers import CLOSE

pytestmark = pytest.mark.usefixtures("fake_acl")


class OneAtATime(Mapping[str, Any]):
    """Makes an array on the device when it is asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.most = 0
        self._made = weakref.WeakSet[Any]()

    def __getitem__(self, name: str) -> Any:
        made = ab.to_device(self._values[name])
        gc.collect()
        self._made.add(made)
        self.most = max(self.most, len(self._made))
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def reusing(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Writes each array where the last one of its shape was, and frees all in the end."""
    rooms: dict[Any, ab.DeviceArray] = {}
    for name, value in values.items():
        room = rooms.setdefault(value.shape, ab.empty(value.shape, value.dtype))
        ab.to_device(value, out=room)
        yield name, room
        ab.to_device(np.full_like(value, np.nan), out=room)
    for room in rooms.values():
        room.free()


FORMS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "generator": reusing,
    "mapping": OneAtATime,
    "rename": lambda given: files.rename(
        {f"m.{name}": one for name, one in OneAtATime(given).items()}, strip_prefix="m."
    ),
    "rename lazy": lambda given: files.rename(OneAtATime(given), str),
    "select": lambda given: files.select({**OneAtATime(given), "step": np.zeros(3)}, [*given]),
    "select of a generator": lambda given: files.select(reusing(given), [*given]),
    "view of a view": lambda given: files.select(files.rename(OneAtATime(given), str), [*given]),
}


@pytest.mark.parametrize("kind", ["owned", "library", "pair", "stage"])
@pytest.mark.parametrize("form", FORMS)
def test_an_update_takes_them(mlp: Any, form: str, kind: str) -> None:
    load: Any = ab.Pair.load if kind == "pair" else ab.Bundle.load
    with load(mlp.path, variables="library" if kind == "library" else "owned") as bundle:
        bundle.init()
        for seed in (1, 2):
            given = FORMS[form](mlp.random(seed))
            if kind == "stage":
                with bundle.stage(given) as staged:
                    staged.commit()
            else:
                bundle.update(given)
            np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(mlp.random(seed)), **CLOSE)
            del given
    gc.collect()
    assert fake.live() == []


@pytest.mark.parametrize("options", [{}, {"skip_unchanged": True}, {"finite": True}])
def test_of_a_lazy_mapping_one_is_held_at_a_time(mlp: Any, options: dict[str, Any]) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        given = OneAtATime(mlp.random(1))
        bundle.update(given, **options)
        assert len(given) > 2
        assert given.most <= 2  # the next one is made while the last one is let go of


@pytest.mark.parametrize("form", FORMS)
def test_a_publisher_takes_them(mlp: Any, form: str) -> None:
    with follow.publish_ipc("@acl-bundle-test-given", mlp.random(0)) as publisher:
        publisher.publish(1, FORMS[form](mlp.random(1)), consumers=0)
        for name, value in mlp.random(1).items():
            np.testing.assert_array_equal(publisher[name].to_host(), value)
    gc.collect()
    assert fake.live() == []


def test_a_generator_that_fails_changes_nothing(mlp: Any) -> None:
    def failing() -> Iterator[tuple[str, Any]]:
        yield "w1", ab.to_device(mlp.random(1)["w1"])
        raise ZeroDivisionError

    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with pytest.raises(ZeroDivisionError):
            bundle.update(failing())
        assert bundle.version == 0
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), **CLOSE)


@pytest.mark.parametrize(
    "change",
    [
        lambda w: files.cast(w, "float16"),
        lambda w: files.transpose(w, ["*"]),
    ],
    ids=["cast", "transpose"],
)
def test_what_changes_values_says_where_that_is_done(mlp: Any, change: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle, ab.to_device(mlp.random(1)["w1"]) as array:
        bundle.init()
        with pytest.raises(TypeError, match=r"weight 'w1' is on a device .* copy it to the host"):
            bundle.update(change({"w1": array}))
        assert bundle.version == 0
