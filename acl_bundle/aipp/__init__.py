"""AIPP configurations: what a device does to images before the graph sees them.

A configuration is ATC's ``--insert_op_conf``: its text, the path of a file with it, a mapping with
the same names, or a sequence of mappings, one for each input.

>>> from acl_bundle import aipp
>>> (one,) = aipp.read("aipp_op { aipp_mode: static input_format: RGB888_U8 min_chn_0: 123.5 }")
>>> one["min_chn_0"], one["var_reci_chn_0"], one["crop"]
(123.5, 1.0, False)
"""

from __future__ import annotations

from acl_bundle.aipp._config import AippConfig, AippSource, read
from acl_bundle.aipp._parameters import parameters
from acl_bundle.aipp._said import said

__all__ = ["AippConfig", "AippSource", "parameters", "read", "said"]
