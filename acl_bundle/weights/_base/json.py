"""JSON from files that are not trusted: names occur once, and nothing else can go wrong."""

from __future__ import annotations

import json
from typing import Any

from acl_bundle._base.json import crowded
from acl_bundle.errors import WeightsFormatError
from acl_bundle.weights._base.file import bad


def parse(raw: bytes | memoryview, file: object, what: str, start: int = 0) -> Any:
    """Return what a JSON text says.

    Args:
        raw: The text's bytes.
        file: Where it comes from, for messages.
        what: What it is: ``"the header"``.
        start: Where in the file it starts.

    Raises:
        WeightsFormatError: It is no JSON, or an object has a name twice; it would
            be far more in memory than its bytes.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise bad(file, f"{what} has the name {name!r} twice; names must be unique")
            found[name] = value
        return found

    data = bytes(raw)
    why = crowded(data)
    if why is not None:
        raise bad(file, f"{what} has {why}")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique)
    except WeightsFormatError:
        raise
    except UnicodeDecodeError as error:
        raise bad(file, f"at byte {start + error.start}: {what} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise bad(file, f"at byte {start + error.pos}: {what} is no JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise bad(file, f"{what} is no JSON that can be read: {error}") from None
