"""The compiled shim; csrc/build.py makes it. `_binding` imports it, and `om._wire`."""

from typing import Any

ffi: Any
lib: Any
