"""The names in a LoRA adapter: which entries belong together, and to which weight.

- peft: ``base_model.model.<module>.lora_A.weight`` and ``lora_B`` (also with the
  adapter's name between, ``lora_A.default.weight``), with ``lora_B.bias`` where it
  was asked for; for a table of embeddings ``lora_embedding_A`` and
  ``lora_embedding_B``, and ``token_adapter.trainable_tokens_delta`` for rows of one;
  and, by their own names, weights that were trained whole (``modules_to_save``,
  biases). ``base_layer`` in a name is peft's, and no part of the base's.
- diffusers: the same behind ``unet.`` or ``transformer.``; others ``diffusion_model.``.
- loralib: ``<module>.lora_A`` and ``lora_B``, without ``.weight``.
- kohya: ``lora_unet_<module>.lora_down.weight``, ``lora_up`` and ``alpha``, where
  the module is written with ``_`` for ``.``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from acl_bundle.errors import WeightError
from acl_bundle.weights._base.report import listed

_PART: Final = re.compile(
    r"(?P<module>.+?)\.(?:(?P<kind>lora_[AB]|lora_down|lora_up)(?:\.[^.]+)??\.weight"
    r"|(?P<bare>lora_[AB])|lora_B(?:\.[^.]+)??\.(?P<bias>bias)"
    r"|(?P<table>lora_embedding_[AB])(?:\.[^.]+)?|(?P<alpha>alpha))"
)
_ROWS: Final = re.compile(r"(?P<module>.+?)\.token_adapter\.trainable_tokens_delta(?:\.[^.]+)?")
_DOWN: Final = ("lora_A", "lora_down", "lora_embedding_A")
PEFT_PREFIX: Final = "base_model.model."
_PREFIXES: Final = (
    PEFT_PREFIX, "base_model.", "model.", "transformer.", "unet.", "diffusion_model.",
)  # fmt: skip
_KOHYA_PREFIX: Final = re.compile(r"lora_[a-z0-9]+_")
WEIGHT: Final = ".weight"
_OTHER_KINDS: Final = {
    "lora_magnitude_vector": "DoRA", "dora_scale": "DoRA", "lora_mid": "LoCon with a core",
    "hada_": "LoHa", "lokr_": "LoKr", "ia3_": "(IA)3", "vera_": "VeRA", "oft_": "OFT",
    "boft_": "BOFT", "randlora_": "RandLora", "fourierft_": "FourierFT", "hra_": "HRA",
    "prompt_": "prompt tuning", "adaption_": "an adaption prompt", "lora_E": "AdaLoRA",
    "lora_ranknum": "AdaLoRA", "lora_diag": "KaSA",
}  # fmt: skip


@dataclass
class FactorPair:
    """The entries of one module in an adapter, by their names there.

    Attributes:
        down: A, ``[r, in]``.
        up: B, ``[out, r]``.
        alpha: The number, where the adapter holds it.
        bias: ``[out]``, of B, where it has one.
        table: Whether the module is a table of embeddings, kept as ``[in, out]``.
    """

    down: str = ""
    up: str = ""
    alpha: str = ""
    bias: str = ""
    table: bool = False


def paired(adapter: Iterable[str]) -> tuple[dict[str, FactorPair], list[str]]:
    """Return the pairs by module, and the entries that belong to none.

    Raises:
        WeightError: A module lacks a matrix or has one twice, or there is no module.
    """
    pairs: dict[str, FactorPair] = {}
    others = []
    for name in adapter:
        found = _PART.fullmatch(name)
        if found is None:
            others.append(name)
        else:
            _put(pairs.setdefault(found["module"], FactorPair()), found, name)
    half = [module for module, pair in pairs.items() if not (pair.down and pair.up)]
    if half:
        raise WeightError(f"the adapter lacks one of the two matrices of {listed(half)}")
    if not pairs and not others:
        raise WeightError("the adapter is empty")
    return pairs, others


def _put(pair: FactorPair, found: re.Match[str], name: str) -> None:
    kind = found["kind"] or found["bare"] or found["table"]
    part = found["alpha"] or found["bias"] or ("down" if kind in _DOWN else "up")
    before = getattr(pair, part)
    if before:
        raise WeightError(f"the adapter has both {before!r} and {name!r}")
    setattr(pair, part, name)
    pair.table = pair.table or found["table"] is not None


class Targets:
    """The weights of a base, found by the names of an adapter."""

    def __init__(self, base: Iterable[str]) -> None:
        self._names = set(base)
        self._flat: dict[str, list[str]] = {}
        for name in base:
            self._flat.setdefault(name.removesuffix(WEIGHT).replace(".", "_"), []).append(name)

    def of_module(self, module: str) -> str:
        """Return the weight that a module changes.

        Raises:
            WeightError: There is none, or there are several.
        """
        for candidate in self._candidates(module):
            if candidate in self._names:
                return candidate
        flat = self._flat.get(_KOHYA_PREFIX.sub("", module, count=1), [])
        if len(flat) == 1:
            return flat[0]
        raise WeightError(
            f"adapter module {module!r} leads to {f'both {listed(flat)}' if flat else 'no weight'}"
            f" of the base; say which is meant: names={{{module!r}: ...}}"
        )

    def of_whole(self, entry: str) -> str | None:
        """Return the weight that a peft entry takes the place of; None where there is none."""
        if not entry.startswith(PEFT_PREFIX):
            return None
        return next((name for name in _shorter(entry) if name in self._names), None)

    def of_rows(self, entry: str) -> str | None:
        """Return the table of which a peft entry holds rows; None where there is none."""
        found = _ROWS.fullmatch(entry)
        if found is None:
            return None
        names = (name + WEIGHT for name in _shorter(found["module"]))
        return next((name for name in names if name in self._names), None)

    @staticmethod
    def _candidates(module: str) -> Iterator[str]:
        for name in _shorter(module):
            yield name + WEIGHT
            yield name


def _shorter(name: str) -> Iterator[str]:
    """Yield what a name may be in the base: with fewer and fewer of an adapter's prefixes."""
    yield from dict.fromkeys((name, _layer(name)))
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            yield from _shorter(name.removeprefix(prefix))


def _layer(name: str) -> str:
    """A name without what peft puts between a module and its own."""
    return name.replace(".base_layer.", ".").removesuffix(".base_layer")


def bare(module: str) -> str:
    """Return a module's name as a pattern of peft's configuration sees it."""
    return _layer(module.removeprefix(PEFT_PREFIX))


def kinds_of(entries: Iterable[str]) -> str:
    """Name the kinds of adapters that entries belong to, as far as their names tell."""
    parts = [part for entry in entries for part in entry.split(".")]
    found = (kind for part in parts for key, kind in _OTHER_KINDS.items() if part.startswith(key))
    return ", ".join(dict.fromkeys(found))
