"""Folders that DeepSpeed wrote: ``mp_rank_00_model_states.pt``, and shards of ZeRO beside it.

A folder of checkpoints has a file ``latest`` with the newest one's name. The weights
stand under "module" of the file of model states, unless the model was cut up: by stage 3
of ZeRO, or for several ranks of model parallelism.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from acl_bundle._base.files import read_regular
from acl_bundle.weights._base.file import bad, is_plain_name

_STATES: Final = "mp_rank_??_model_states.pt"
_ZERO_3: Final = "*zero_pp_rank_*_model_states.pt"
_NAME_MAX: Final = 4096
_WAY_OUT: Final = (
    "python zero_to_fp32.py <this folder> <another> --safe_serialization, with the script that"
    " DeepSpeed put beside it, writes a model that can be opened"
)


def deepspeed(folder: Path) -> Path | None:
    """Return the file that holds all weights of a DeepSpeed checkpoint, None in another folder.

    Raises:
        WeightsFormatError: The weights are cut up over several files.
        OSError: A file cannot be read.
    """
    place = _newest(folder)
    if next(place.glob(_ZERO_3), None) is not None:
        raise bad(place, f"it holds the shards of DeepSpeed's ZeRO, stage 3; {_WAY_OUT}")
    states = sorted(place.glob(_STATES))
    if len(states) > 1:
        raise bad(
            place,
            f"DeepSpeed cut the model up for {len(states)} ranks of model parallelism; {_WAY_OUT}",
        )
    return states[0] if states else None


def _newest(folder: Path) -> Path:
    latest = folder / "latest"
    if not latest.is_file():
        return folder
    try:
        name = read_regular(latest, _NAME_MAX).decode("utf-8").strip()
    except UnicodeDecodeError:
        return folder
    return folder / name if name and is_plain_name(name) else folder
