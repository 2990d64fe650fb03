"""A module that can be exported while its twin goes on training.

The exporter runs ``forward`` on tensors without values, and a hook or an
attribute may keep what it sees. So a copy is exported: the same parameters, but
other module objects in evaluation mode, buffers of their own, and none of the
wrappers that rename weights.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from acl_bundle.errors import UnsupportedError

# Torch's wrappers, by class, and the attribute under which they keep a module. It becomes
# part of the weights' names.
WRAPPERS: Final = {
    "OptimizedModule": "_orig_mod",  # torch.compile
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "FullyShardedDataParallel": "_fsdp_wrapped_module",
}


def still(module: Any) -> Any:
    """Return a copy of a module's structure around the same parameters, in evaluation mode.

    Raises:
        UnsupportedError: A tensor has no values here (the meta device), or is
            a piece of one (FSDP2, tensor parallelism), or the structure cannot
            be copied.
    """
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        _check(name, tensor)
    memo: dict[int, Any] = {id(one): one for one in module.parameters()}
    for part in module.modules():
        memo.update((id(one), one) for one in vars(part).values() if _is_result(one))
    try:
        for part in reversed([*module.modules()]):  # what is inside comes first
            inner = _wrapped(part)
            if inner is not None:
                memo[id(part)] = copy.deepcopy(inner, memo)
        result = copy.deepcopy(module, memo)
    except Exception as error:  # whatever the attributes of a module raise
        raise UnsupportedError(
            f"{type(module).__name__} cannot be copied, which keeps the module itself as it is:"
            f" {error}. Leave out the attribute, or give the class a __deepcopy__"
        ) from error
    return result.eval()


def sharded(module: Any) -> bool:
    """Say whether FSDP may hold pieces of a module's parameters."""
    return any(_kind(part) == "FullyShardedDataParallel" for part in module.modules())


def _check(name: str, tensor: Any) -> None:
    if tensor.is_meta:
        raise UnsupportedError(
            f"{name!r} is on the meta device, which has no values; give the module real ones first"
        )
    if any(one.__name__ == "DTensor" for one in type(tensor).__mro__):
        raise UnsupportedError(
            f"{name!r} is a DTensor, a piece of a parameter; build from the module as it is before"
            " fully_shard or parallelize_module"
        )


def _is_result(value: Any) -> bool:
    """Say whether it is a tensor that was computed under grad, which refuses to be copied."""
    return getattr(value, "grad_fn", None) is not None


def _wrapped(part: Any) -> Any:
    """The module inside one of torch's wrappers; None for any other module."""
    attribute = WRAPPERS.get(_kind(part))
    return None if attribute is None else getattr(part, attribute)


def _kind(part: Any) -> str:
    for one in type(part).__mro__:
        if one.__name__ in WRAPPERS and one.__module__.startswith("torch."):
            return one.__name__
    return ""
