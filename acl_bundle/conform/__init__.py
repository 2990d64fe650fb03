"""Whether a library of AscendCL does what this package stands on.

`run` makes the calls of `table.rows` on a library, each in a process that a crash may take along,
and says what differs from the facts; `compare` lays two libraries' reports side by side.
`assumptions` finds out what docs/architecture.md lists as assumed.

    >>> from acl_bundle import conform
    >>> report = conform.run(device=0)           # doctest: +SKIP
    >>> report.counts()                          # doctest: +SKIP
    {'same': 180, 'differs': 0, 'crashed': 0, 'hung': 0, 'not tried': 0, 'lost': 0}
    >>> report.write("report.json")              # doctest: +SKIP
"""

from __future__ import annotations

from acl_bundle.conform.assumed import Assumption, assumptions
from acl_bundle.conform.library import about, run
from acl_bundle.conform.report import Conformance, ReportFormatError, Result, Unlike, compare, read

__all__ = [
    "Assumption",
    "Conformance",
    "ReportFormatError",
    "Result",
    "Unlike",
    "about",
    "assumptions",
    "compare",
    "read",
    "run",
]
