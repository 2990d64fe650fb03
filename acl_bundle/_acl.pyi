"""The compiled shim; csrc/build.py makes it. `_api` is its only importer."""

from typing import Any

ffi: Any
lib: Any
