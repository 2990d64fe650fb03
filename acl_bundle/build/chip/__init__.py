"""Compiling a refreshable bundle for a chip, by GE on a host that has CANN's toolkit.

1. `_prepare`: the ONNX model, its chosen constants under names that GE keeps.
2. `options`: what GE is to be told.
3. `toolkit`: where GE is, and a small C++ program that calls it.
4. `run`: that program in a process of its own.
5. `_compile`: the steps one after the other, the bundle and its manifest.
"""

from __future__ import annotations

from acl_bundle.build.chip._compile import Compiled, compile

__all__ = ["Compiled", "compile"]
