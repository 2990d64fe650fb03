"""Libraries that only some calls need: imported when such a call is made."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from acl_bundle.errors import UnsupportedError


def how(extra: str) -> str:
    """How to install an extra of this package: no index has the package, so from a checkout."""
    return f"from a checkout, pip install '.[{extra}]'"


def need(module: str, extra: str, what: str) -> Any:
    """Import a library.

    Args:
        module: Its name, or that of a module in it.
        extra: The extra of this package that installs it.
        what: What needs it: ``"reading a TensorFlow checkpoint"``.

    Raises:
        UnsupportedError: It is not installed, or cannot be loaded.
    """
    try:
        return import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise UnsupportedError(
            f"{what} needs {library}, which cannot be imported ({error}); install it: {how(extra)}"
        ) from error
