"""What pyACL has: the one table that the module is made of.

A row is a name, the function of C behind it, and what crosses, with blanks between:

    load_from_file  aclmdlLoadFromFile  sU>e             C's own parameters (csrc/pyacl/ab_pyacl.h)
    get_input_dims  aclmdlGetInputDims  kk{dims}>e       the last one is a struct that becomes a
                                                         dict (acl_bundle.pyacl.structs)
    set_tensor_shape aclSetTensorShape  kik>e! @kl       a function of acl_bundle.pyacl.special, for
                                                         these arguments, makes the call
    some_function    -  !                                there, and not simulated

Arguments behind ``@``: those of a pattern, H uint16_t (it wraps), f float, l list, d dict, o
anything, ? may be absent. A pattern that ends in ``!`` has a TypeError whose text does, too. A
``!`` in place of ``@`` is followed by what an unsimulated one answers: nothing for ret, p for 0,
2 for (0, ret), 0 for None.
"""

from __future__ import annotations

from typing import NamedTuple

from acl_bundle.pyacl.table import mdl, media, prof, rest, rt, top

__all__ = ["FAMILIES", "MODULES", "Row", "rows"]

FAMILIES = rest.FAMILIES
MODULES = ("rt", "mdl", "media", "op", "blas", "util", "prof", "himpi", "fv")
"""The modules below the top one, which is ""."""

_UTIL = """
bytes_to_ptr                 -                           -           @o
ptr_to_bytes                 -                           -           @kk
numpy_to_ptr                 -                           -           @o
numpy_contiguous_to_ptr      -                           -           @o
ptr_to_numpy                 -                           -           @koi
start_thread                 -                           -           @oo
stop_thread                  -                           -           @k
"""
_TEXTS = {
    "": top.ROWS, "mdl": mdl.ROWS, "rt": rt.ROWS, "media": media.ROWS, "prof": prof.ROWS,
    "util": _UTIL,
}  # fmt: skip
_TOLD = {  # what functions say that call themselves something else when arguments are wrong
    "acl.rt.set_op_execute_time_out": "acl.rt.set_op_execute_timeout args parse failed!",
    "acl.rt.set_sys_param_opt": "acl.rt.set_sys_param_opt args parse faild",
    "acl.rt.get_sys_param_opt": "acl.rt.get_sys_param_opt args parse faild",
    "acl.rt.host_get_device_pointer": "acl.rt.host_get_device_pointer parse failed",
    "acl.prof.init": "acl.prof.Init args parse failed!",
    "acl.prof.model_un_subscribe": "acl.prof.model_unsubscribe args parse failed",
    "acl.prof.get_op_type_v2": "acl.prof.get_op_type args parse failed",
    "acl.prof.get_op_type_len": "acl.prof.get_op_type args parse failed",
    "acl.prof.get_op_name_v2": "acl.prof.get_op_name args parse failed",
    "acl.prof.get_op_name_len": "acl.prof.get_op_name args parse failed",
    **{
        f"acl.media.dvpp_{verb}_border_config_top": (
            f"acl.media.dvpp_{verb}_border_config_Top args parse failed!"
        )
        for verb in ("get", "set")
    },
}


class Row(NamedTuple):
    """One function.

    Attributes:
        module: "" for the top one.
        name: The function's name in it.
        c: The function of C, or "-".
        pattern: What crosses to C, or "-".
        how: "", or what stands behind the pattern.
        loud: Whether the text of its TypeError ends in "!".
    """

    module: str
    name: str
    c: str
    pattern: str
    how: str
    loud: bool = False

    @property
    def place(self) -> str:
        """The module as a program names it."""
        return f"acl.{self.module}" if self.module else "acl"

    @property
    def full(self) -> str:
        """The function as a program names it."""
        return f"{self.place}.{self.name}"

    @property
    def failed(self) -> str:
        """The text of its TypeError."""
        return _TOLD.get(self.full, f"{self.full} args parse failed{'!' * self.loud}")


def _answer(name: str) -> str:
    if name.startswith("create_handle"):
        return "!2"
    return "!p" if name.startswith("create_") else "!"


def _row(module: str, line: str) -> Row:
    name, c, pattern, how = [*line.split(), ""][:4]
    if pattern.startswith("!"):
        pattern, how = "-", pattern
    return Row(module, name, c, pattern.removesuffix("!"), how, pattern.endswith("!"))


def rows() -> list[Row]:
    """Return the whole table, in its order."""
    made = [
        _row(module, line)
        for module, text in _TEXTS.items()
        for line in text.splitlines()
        if line.strip()
    ]
    for module, names in rest.UNSIMULATED.items():
        made += [Row(module, name, "-", "-", _answer(name)) for name in names.split()]
    return made
