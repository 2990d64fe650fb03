"""What the stand-in for GE's compiler does in Python: read ONNX, build, and refuse as GE does.

The libraries ``libge_compiler.so``, ``libfmk_onnx_parser.so`` and ``libgraph.so``
beside the fake have GE's C++ interface (``fakes/ge``). They start this package
as a child process, ``python -m acl_bundle.fake.compiler``, for each step.
"""
