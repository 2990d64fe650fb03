"""pyACL, the module `acl` of CANN's toolkit, over the library that acl_bundle opens.

    >>> from acl_bundle import pyacl
    >>> pyacl.install()                                   # doctest: +SKIP
    >>> import acl                                        # doctest: +SKIP

Its functions have pyACL's names, arguments and answers: handles and pointers are ints, what C
gives comes first and ret last, and nothing is raised for a bad ret. They let go of the GIL in each
call. `module` returns it without installing it. Importing this package changes nothing: a module
named `acl` makes other packages believe that there is an NPU, so it is there on request alone.
"""

from __future__ import annotations

from acl_bundle.pyacl.importing import install, module, uninstall

__all__ = ["install", "module", "uninstall"]
