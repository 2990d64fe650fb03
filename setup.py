"""Builds the two pieces of C: the shim (cffi) and the fake (a shared library)."""

from __future__ import annotations

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FAKE = "acl_bundle.fake.lib.libascendcl"


class BuildExt(build_ext):
    """Names the fake as a program's linker expects it: no Python suffix."""

    def get_ext_filename(self, fullname: str) -> str:
        *folders, name = fullname.split(".")
        if name == "libascendcl":
            return str(Path(*folders, "libascendcl.so"))
        return super().get_ext_filename(fullname)


fake = Extension(
    FAKE,
    sources=sorted(str(path) for path in Path("fakes").glob("*.c")),
    depends=sorted(str(path) for folder in ("fakes", "csrc") for path in Path(folder).glob("*.h")),
    include_dirs=["csrc", "fakes"],
    define_macros=[("_GNU_SOURCE", None)],
    extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra"],
    extra_link_args=[
        "-Wl,-soname,libascendcl.so",
        "-Wl,-z,nodelete",  # its threads may outlive a dlclose
        "-Wl,-Bsymbolic",
        "-Wl,-z,defs",
    ],
    libraries=["dl", "pthread", "m"],
)

setup(
    cffi_modules=["csrc/build.py:ffibuilder"],
    ext_modules=[fake],
    cmdclass={"build_ext": BuildExt},
)
