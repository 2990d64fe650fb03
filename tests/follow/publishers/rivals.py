"""Trainers that want the same versions: python rivals.py <how> <place> <who> <count>.

Each publishes versions 1 to <count>, as fast as it can, with weights that tell
who it is, and prints as JSON what became of each.
"""

from __future__ import annotations

import json
import sys

import numpy as np

import acl_bundle as ab
from acl_bundle import follow

KEEP = 1000


def publish(how: str, place: str, version: int, who: int) -> None:
    weights = {"who": np.full(4096, who, np.int32)}
    if how == "redis":
        follow.publish_redis(place, weights, version, key="policy", keep=KEEP)
    else:
        follow.publish_directory(place, weights, version, latest="LATEST", keep=KEEP)


def outcome(how: str, place: str, version: int, who: int) -> str:
    try:
        publish(how, place, version, who)
    except ab.VersionExistsError:
        return "exists"
    except ab.BusyError:
        return outcome(how, place, version, who)  # as it asks for
    except ValueError:
        return "older"
    return "published"


def main(how: str, place: str, who: str, count: str) -> None:
    print(flush=True)
    sys.stdin.readline()
    print(json.dumps([outcome(how, place, one, int(who)) for one in range(1, int(count) + 1)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
