"""An S3 of moto's in a process of its own, one for all tests of a run.

``python s3.py [bucket]`` prints its port, and serves until its input ends.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

_SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"


class Bucket:
    """A bucket, and what `Objects` is given for it.

    Attributes:
        port: That of the server.
    """

    def __init__(self, port: int, name: str | None = None) -> None:
        self.port = port
        self.name = name or f"policy-{uuid.uuid4().hex[:12]}"
        self.url = f"s3://{self.name}/runs/one"
        self.request("PUT", f"/{self.name}")

    def store(self, port: int | None = None, **config: Any) -> dict[str, Any]:
        """What else a store is given; another port is that of a server before this one."""
        return {
            "config": {
                "endpoint": f"http://127.0.0.1:{port or self.port}",
                "access_key_id": "test",
                "secret_access_key": "test",
                "region": "us-east-1",
                **config,
            }
        }

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Ask the server: moto believes what is signed by anybody."""
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path, body, {"Authorization": _SIGNED})
        answer = connection.getresponse().read()
        connection.close()
        return answer


@contextmanager
def serving() -> Iterator[int]:
    """Start the server; its port."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.communicate()


def main() -> None:
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  takes a second or two

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    for name in sys.argv[1:]:
        Bucket(int(server.get_host_and_port()[1]), name)
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
