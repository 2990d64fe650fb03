"""Builds the pieces of C: the shim (cffi), the fake, its other names, and GE's stand-in.

The fake is one shared library; every other name that a client may have linked
is a forward without code, built by the same linker against the fake itself.
The headers that programs include are made of csrc/acl before anything else.
The stand-in for GE's compiler is C++; where no C++ compiler is, it is left out.
"""

from __future__ import annotations

import os
import runpy
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

LIB = "acl_bundle.fake.lib"
FAKE = "libascendcl"
RECORD = "libaclrecord"
FORWARDS = (
    "libacl_rt", "libacl_mdl", "libacl_op_compiler", "libacl_dvpp", "libacl_cblas", "libacl_retr",
    "libmsprofiler",
)  # fmt: skip
GE = {  # sources, and what each needs: in the order they are built
    "libgraph_base": (["ascend_string"], []),
    "libgraph": (["graph", "fields", "refusal", "python"], ["graph_base", "ascendcl"]),
    "libge_compiler": (["initialize", "convert", "build", "save"], ["graph", "graph_base"]),
    "libfmk_onnx_parser": (["parse"], ["ge_compiler", "graph", "graph_base"]),
}
GE_HEADERS = "acl_bundle/build/chip/include"


def is_made(obj: Path, command: str) -> bool:
    """Whether an object is newer than all that it was made of, by the same command."""
    try:
        needed = obj.with_suffix(".d").read_text().replace("\\\n", " ").split()[1:]
        made = obj.stat().st_mtime
        return obj.with_suffix(".how").read_text() == command and all(
            Path(one).stat().st_mtime < made for one in needed
        )
    except FileNotFoundError:
        return False


def sparing(compiler: Any) -> Callable[..., None]:
    """The compiler's step from a source to an object, left out where the object is made.

    The compiler lists what the source includes in a file beside the object.
    """
    step = compiler._compile

    def compile_changed(obj: str, src: str, ext: str, args: list[str], *more: Any) -> None:
        made, words = Path(obj), [*args, "-MMD", "-MF", str(Path(obj).with_suffix(".d"))]
        command = repr([compiler.compiler_so, compiler.compiler_so_cxx, src, words, more])
        if not is_made(made, command):
            step(obj, src, ext, words, *more)
            made.with_suffix(".how").write_text(command)

    return compile_changed


def at_once(compiler: Any) -> Callable[..., list[str]]:
    """The compiler's way from sources to objects: as many at once as there are processors."""

    def compile_all(
        sources: list[str],
        output_dir: str | None = None,
        macros: Any = None,
        include_dirs: Any = None,
        debug: bool = False,
        extra_preargs: Any = None,
        extra_postargs: Any = None,
        depends: Any = None,
    ) -> list[str]:
        _, objects, last, words, made = compiler._setup_compile(
            output_dir, macros, include_dirs, sources, depends, extra_postargs
        )
        first = compiler._get_cc_args(words, debug, extra_preargs)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            steps = [
                pool.submit(compiler._compile, obj, *of, first, last, words)
                for obj, of in made.items()
            ]
        for step in steps:
            step.result()
        return list(objects)

    return compile_all


class BuildExt(build_ext):
    """Names the libraries as a program's linker expects it: no Python suffix."""

    def get_ext_filename(self, fullname: str) -> str:
        *folders, name = fullname.split(".")
        if name in (FAKE, RECORD, *FORWARDS, *GE):
            return str(Path(*folders, f"{name}.so"))
        return super().get_ext_filename(fullname)

    def build_extensions(self) -> None:
        """Build in order, as forwards are linked against the fake.

        An interpreter's own folder has no place in what is shipped.
        """
        self.parallel = None
        for which in ("linker_so", "linker_so_cxx"):
            words = getattr(self.compiler, which, None)  # older setuptools have one linker
            if words is not None:
                linker = [one for one in words if not one.startswith("-Wl,-rpath,")]
                self.compiler.set_executable(which, linker)
        self.compiler._compile = sparing(self.compiler)
        self.compiler.compile = at_once(self.compiler)
        super().build_extensions()

    def build_extension(self, ext: Extension) -> None:
        """Let the linker find the libraries that were built before."""
        if ext.name.removeprefix(f"{LIB}.") in (*FORWARDS, *GE):
            ext.library_dirs.append(str(Path(self.build_lib, *LIB.split("."))))
        super().build_extension(ext)


fake = Extension(
    f"{LIB}.{FAKE}",
    sources=sorted(str(path) for path in Path("fakes").glob("*/*.c")),
    depends=sorted(
        str(path) for folder in ("fakes", "csrc/acl") for path in Path(folder).rglob("*.h")
    ),
    include_dirs=["csrc", "fakes"],
    define_macros=[("_GNU_SOURCE", None)],
    extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra"],
    extra_link_args=[
        "-Wl,-soname,libascendcl.so",
        "-Wl,-z,nodelete",  # its threads may outlive a dlclose
        "-Wl,-Bsymbolic",
        "-Wl,-z,defs",
        "-Wl,-z,separate-code",  # fakes/call/hide.c writes where no code lies,
        "-Wl,--hash-style=both",  # and counts symbols
    ],
    libraries=["dl", "pthread", "m"],
)


record = Extension(
    f"acl_bundle.conform.{RECORD}",
    sources=["record/record.c", "record/slots.c", "record/line.c"],
    depends=["record/record.h", "record/slots.h", "record/wrappers.h"],
    include_dirs=["csrc", "record"],
    define_macros=[("_GNU_SOURCE", None)],
    extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra"],
    extra_link_args=["-Wl,-soname,libaclrecord.so", "-Wl,-z,defs"],
    libraries=["dl", "pthread"],
)


def forward(name: str) -> Extension:
    """One more name of the fake (fakes/forward.c)."""
    return Extension(
        f"{LIB}.{name}",
        sources=["fakes/forward.c"],
        depends=["fakes/call/functions.h", "fakes/call/unsimulated.h"],
        include_dirs=["fakes"],
        extra_compile_args=["-g0", "-fno-sanitize=all"],
        extra_link_args=[
            "-nostdlib",
            "-fno-sanitize=all",
            "-s",
            f"-Wl,-soname,{name}.so",
            "-Wl,-rpath,$ORIGIN",
            "-Wl,--no-as-needed",
            "-lascendcl",
        ],
    )


def stand_in(name: str) -> Extension:
    """One library of the stand-in for GE's compiler (fakes/ge)."""
    sources, needed = GE[name]
    return Extension(
        f"{LIB}.{name}",
        sources=[f"fakes/ge/{one}.cc" for one in sources],
        depends=sorted(
            str(path) for folder in ("fakes/ge", GE_HEADERS) for path in Path(folder).rglob("*.h")
        ),
        include_dirs=["fakes/ge", "fakes", GE_HEADERS],
        language="c++",
        optional=True,
        extra_compile_args=["-std=c++17", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra"],
        extra_link_args=[
            f"-Wl,-soname,{name}.so",
            "-Wl,-rpath,$ORIGIN",
            "-Wl,-z,defs",
            "-Wl,--no-as-needed",  # clients of one get the symbols of all
            *(f"-l{one}" for one in needed),
        ],
    )


if sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit(
        f"acl-bundle cannot be built for a free-threaded Python ({sys.executable}): its binding is"
        " compiled for the stable ABI, which such builds of Python have not; use the usual build of"
        f" Python {sys.version_info.major}.{sys.version_info.minor}, which has the GIL"
    )
runpy.run_path("csrc/include.py", run_name="__main__")
runpy.run_path("record/wrappers.py", run_name="__main__")
setup(
    cffi_modules=["csrc/build.py:ffibuilder"],
    ext_modules=[fake, record, *map(forward, FORWARDS), *map(stand_in, GE)],
    cmdclass={"build_ext": BuildExt},
)
