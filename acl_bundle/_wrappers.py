"""Names as wrappers of torch make them, and what takes the wrappers' part off again."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

_ONE = r"(?:module|_orig_mod|_fsdp_wrapped_module)\."
_AHEAD = re.compile(f"(?:{_ONE})+")
_FLAT = re.compile(r"(?:.*\.)?_?flat_param(?:_\d+)?")
_JOINED = (
    "; FSDP has joined weights to 'flat_param': give the whole ones, of"
    " torch.distributed.checkpoint.state_dict.get_model_state_dict(model,"
    " options=StateDictOptions(full_state_dict=True))"
)
_WHO = (
    "DistributedDataParallel names weights 'module.', torch.compile '_orig_mod.' and FSDP"
    " '_fsdp_wrapped_module.'"
)


def advice(unknown: Sequence[str], known: Collection[str]) -> str:
    """Say how names that a wrapper has changed become a graph's; nothing if they do not.

    Args:
        unknown: Names that were given and that the graph does not have.
        known: Those that it has.
    """
    texts = [name for name in unknown if isinstance(name, str)]
    for name in texts:
        ahead = _AHEAD.match(name)
        parts = re.findall(_ONE, ahead[0]) if ahead else []
        for count in range(1, len(parts) + 1):
            prefix = "".join(parts[:count])
            if name.removeprefix(prefix) in known:
                return _told(f"strip_prefix={prefix!r}")
    if any(re.sub(_ONE, "", name) in known for name in texts):
        return _told(f"regex=[({_ONE!r}, '')]")
    return _JOINED if any(map(_FLAT.fullmatch, texts)) else ""


def _told(option: str) -> str:
    return f"; {_WHO}: acl_bundle.weights.rename(weights, {option}) mends it"
