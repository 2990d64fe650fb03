"""Bundle files for tests, from whatever a test has at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from acl_bundle.build import Model
    from acl_bundle.build._onnx.load import OnnxModel

    Source: TypeAlias = (
        OnnxModel | Model | bytes | str | os.PathLike[str] | Callable[..., Mapping[str, ArrayLike]]
    )


class MakeBundle:
    """Writes bundle files into a folder that lives as long as the test's ``tmp_path``.

    Args:
        folder: Where the files go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def __call__(
        self,
        model: Source,
        weights: Sequence[str] | Mapping[str, ArrayLike] | None = None,
        *,
        inputs: Mapping[str, ArrayLike] | None = None,
        **options: Any,
    ) -> Path:
        """Build a bundle and return its path.

        The path is good for ``Bundle.load`` and for any other program in this
        process; the file of an ONNX model also for other processes.

        Args:
            model: An ONNX model (a ``ModelProto``, its bytes, or its path),
                what a function of ``acl_bundle.build`` returned, or a Python
                function that computes, whose parameters are named like its
                inputs and weights and which returns outputs by name.
            weights: For an ONNX model the names of the refreshable constants,
                all of floating point by default. For a function the first
                values by name.
            inputs: For a function an example array for each input; zeros do.
                The function is called once with them to learn its outputs.
            options: Passed on to ``build.from_onnx`` or ``fake.from_function``.

        Raises:
            WeightError: A weight does not fit.
            TypeError: The model is none of these, or the function's parameters
                are not its inputs and weights.
            ValueError: The model, or a name, dtype or shape does not fit.
            ModuleNotFoundError: The extra ``fake`` is not installed.
        """
        built = self._build(model, weights, inputs, options)
        self._count += 1
        return built.save(self._folder / f"bundle{self._count}.om")

    def _build(
        self,
        model: Source,
        weights: Sequence[str] | Mapping[str, ArrayLike] | None,
        inputs: Mapping[str, ArrayLike] | None,
        options: dict[str, Any],
    ) -> Model:
        build = _builder()
        if isinstance(model, build.Model):
            return _as_it_is(model, weights, inputs, options)
        if callable(model):
            return _from_function(model, weights, inputs, options)
        if inputs is not None:
            raise TypeError(
                "inputs belong to a Python function; an ONNX model has its own, and"
                " input_shapes={name: shape} pins those that are open"
            )
        if isinstance(weights, Mapping):
            raise TypeError(
                "weights of an ONNX model are names; their first values stand in the model"
            )
        names = "all" if weights is None else weights
        bundle: Model = build.from_onnx(model, names, **options)
        return bundle


def _builder() -> Any:
    try:
        from acl_bundle import build  # noqa: PLC0415  needs onnx
    except ModuleNotFoundError as error:
        from acl_bundle._base.extra import how  # noqa: PLC0415

        raise ModuleNotFoundError(
            f"make_bundle needs {error.name}: {how('fake')}", name=error.name
        ) from None
    return build


def _as_it_is(model: Model, *surplus: object) -> Model:
    if any(one not in (None, {}) for one in surplus):
        raise TypeError(f"{model!r} is built already; it takes no weights, inputs or options")
    return model


def _from_function(
    function: Callable[..., Mapping[str, ArrayLike]],
    weights: Sequence[str] | Mapping[str, ArrayLike] | None,
    inputs: Mapping[str, ArrayLike] | None,
    options: dict[str, Any],
) -> Model:
    from acl_bundle import fake  # noqa: PLC0415  opens the compiled binding

    if inputs is None:
        raise TypeError('a function needs inputs, such as {"x": np.zeros((1, 4), "f4")}')
    if weights is not None and not isinstance(weights, Mapping):
        raise TypeError(
            f"weights of a function are arrays by name, not {type(weights).__name__};"
            ' {"w": np.zeros((4, 2), "f4")} is right'
        )
    return fake.from_function(function, inputs=inputs, weights=weights, **options)
