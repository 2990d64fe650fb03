"""The compiled shim; csrc/build.py makes it. `_api` imports it, and `om._wire`."""

from typing import Any

ffi: Any
lib: Any
