"""What peft writes beside an adapter: ``adapter_config.json``.

It tells what the weights do not: alpha, whether it is divided by r or (rank
stabilised) by its root, modules with an alpha of their own, and whether the
trained model keeps its matrices as ``[in, out]``. What would make the sum of
base and product another one than peft's is refused: DoRA scales the sum, and
PiSSA and its like start from a base that they have changed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from acl_bundle.errors import WeightError
from acl_bundle.weights._base import json
from acl_bundle.weights._base.file import bad, map_part

NAME: Final = "adapter_config.json"
_REFUSED: Final = {
    "use_dora": "DoRA scales the sum by a magnitude of its own",
    "use_qalora": "QALoRA pools the inputs",
    "alora_invocation_tokens": "an activated LoRA changes the answer for some tokens alone",
    "layer_replication": "layers of the base are repeated",
    "use_bdlora": "BD-LoRA's matrices are blocks of larger ones",
    "kasa_config": "KaSA cuts the base's singular values first",
    "monteclora_config": "MonteCLoRA draws its matrices at random",
    "arrow_config": "Arrow chooses between adapters for each token",
}
METADATA: Final = "lora_adapter_metadata"
"""Where diffusers keeps the configuration of an adapter: in the file's metadata."""
_MATTERS: Final = ("rank_pattern", "alpha_pattern", "use_rslora", *_REFUSED)
_OTHER_BASE: Final = ("pissa", "olora", "loftq", "corda", "lora_ga")


@dataclass(frozen=True)
class Config:
    """The part of a configuration that a merge depends on.

    Attributes:
        file: Where it stands.
        rank: r of the modules without one of their own.
        alpha: ``lora_alpha`` of those without one of their own.
        ranks: Pattern of module -> r.
        alphas: Pattern of module -> alpha.
        stabilised: Whether alpha is divided by the root of r.
        turned: Whether the trained model keeps matrices as ``[in, out]``.
        rows: Pattern of module -> the rows that were trained; "" for the only table.
        experts: Whether parameters were targeted by name, which may be of experts.
    """

    file: str
    rank: int
    alpha: float
    ranks: Mapping[str, int]
    alphas: Mapping[str, float]
    stabilised: bool
    turned: bool
    rows: Mapping[str, tuple[int, ...]]
    experts: bool

    def rows_of(self, module: str) -> tuple[int, ...]:
        """Return which rows of a table the adapter holds, none where nothing says so."""
        found: tuple[int, ...] = _own(self.rows, module, self.rows.get("", ()))
        return found

    def factor(self, module: str, rank: int, alpha: float | None) -> float:
        """Return what a module's product is multiplied by.

        Args:
            module: Its name in the base.
            rank: The r of its matrices.
            alpha: What counts in place of the configuration's, None for nothing.

        Raises:
            WeightError: The configuration has another r.
        """
        wanted = _own(self.ranks, module, self.rank)
        if wanted != rank:
            raise WeightError(
                f"{self.file}: r of {module!r} is {wanted}, but its matrices have {rank}"
            )
        own = _own(self.alphas, module, self.alpha) if alpha is None else alpha
        return own / (math.sqrt(rank) if self.stabilised else rank)


def beside(files: Iterable[str]) -> Config | None:
    """Read the configuration that lies beside an adapter's files; None where none does.

    Raises:
        WeightsFormatError: It is damaged.
        WeightError: The adapter is of a kind that cannot be merged.
        OSError: It cannot be read.
    """
    paths = map(Path, files)
    places = {(one if one.is_dir() else one.parent) / NAME for one in paths}
    found = sorted(one for one in places if one.exists())
    return _read(found[0]) if len(found) == 1 else None


def check_metadata(metadata: Mapping[str, str], file: str) -> None:
    """Refuse an adapter of diffusers whose metadata says something of alpha that is not alpha = r.

    Raises:
        WeightError: It says so.
        WeightsFormatError: What it says is no JSON object.
    """
    if METADATA not in metadata:
        return
    values = json.parse(memoryview(metadata[METADATA].encode()), Path(file), METADATA)
    if not isinstance(values, dict):
        raise bad(file, f"{METADATA} is {values!r}; an object is right")
    parts: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        part, _, field = name.rpartition(".")
        parts.setdefault(part, {})[field] = value
    for part, own in parts.items():
        rank, alpha = own.get("r"), own.get("lora_alpha")
        if alpha != rank or any(own.get(one) for one in _MATTERS):
            raise WeightError(
                f"{file}: {METADATA} has lora_alpha {alpha!r}, r {rank!r} of {part!r}, which is not"
                " read from there; say alpha=, or save the adapter with peft"
            )


def _read(path: Path) -> Config:
    values = json.parse(map_part(path), path, "the configuration")
    if not isinstance(values, dict):
        raise bad(path, f"the configuration is {values!r}; an object is right")
    _check_kind(path, values)
    rank = _number(path, "r", values.get("r"))
    return Config(
        file=str(path),
        rank=int(rank),
        alpha=_number(path, "lora_alpha", values.get("lora_alpha")),
        ranks={key: int(one) for key, one in _numbers(path, "rank_pattern", values).items()},
        alphas=_numbers(path, "alpha_pattern", values),
        stabilised=values.get("use_rslora") is True,
        turned=values.get("fan_in_fan_out") is True,
        rows=_rows(path, values.get("trainable_token_indices")),
        experts=bool(values.get("target_parameters")),
    )


def _rows(path: Path, given: Any) -> dict[str, tuple[int, ...]]:
    """The rows by pattern of module; a list is of the model's own table of tokens."""
    tables = given if isinstance(given, dict) else {"": given} if given else {}
    for pattern, rows in tables.items():
        right = isinstance(rows, list) and all(type(one) is int and one >= 0 for one in rows)
        if not right or not rows or len(set(rows)) < len(rows):
            raise bad(
                path,
                f"trainable_token_indices has {rows!r}{f' for {pattern!r}' if pattern else ''}; a"
                " list of different rows is right",
            )
        _check_pattern(path, "trainable_token_indices", pattern)
    return {pattern: tuple(rows) for pattern, rows in tables.items()}


def _check_kind(path: Path, values: Mapping[str, Any]) -> None:
    kind = values.get("peft_type")
    if kind != "LORA":
        raise WeightError(f"{path}: peft_type is {kind!r}; 'LORA' can be merged")
    for name, why in _REFUSED.items():
        if values.get(name):
            raise WeightError(
                f"{path}: {name} is {values[name]!r}, and {why}, so base and product cannot be"
                " added; merge it with peft and take the merged model's weights"
            )
    start = values.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_OTHER_BASE):
        raise WeightError(
            f"{path}: init_lora_weights is {start!r}, which trains beside a base that it has"
            " changed; let peft convert the adapter to a plain one"
            " (path_initial_model_for_weight_conversion)"
        )


def _numbers(path: Path, name: str, values: Mapping[str, Any]) -> dict[str, float]:
    found = values.get(name) or {}
    if not isinstance(found, dict):
        raise bad(path, f"{name} is {found!r}; an object of pattern to number is right")
    for pattern in found:
        _check_pattern(path, name, pattern)
    return {pattern: _number(path, f"{name}: {pattern!r}", one) for pattern, one in found.items()}


def _check_pattern(path: Path, name: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise bad(path, f"{name}: {pattern!r} is no regular expression: {error}") from None


def _number(path: Path, what: str, value: Any) -> float:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not math.isfinite(value) or value <= 0:
        raise bad(path, f"{what} is {value!r}; a number above 0 is right")
    return float(value)


def _own(patterns: Mapping[str, Any], module: str, common: Any) -> Any:
    """A module's own value, as peft finds it: by a pattern for the end of its name."""
    for pattern, value in patterns.items():
        if pattern and re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return common
