"""The server's ends: sockets that listen, and the loop's thread that answers on them."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final

import grpc
import grpc.aio
import uvicorn
from tritonclient.grpc import service_pb2_grpc

from acl_bundle.server._bounds.bodies import Bodies
from acl_bundle.server._bounds.threads import Threads
from acl_bundle.server._grpc.decode import Decoding
from acl_bundle.server._http.connection import connection
from acl_bundle.server.limits import ServerLimits

KEEP_ALIVE: Final = 75
"""Seconds that an idle connection stays, as long as that of other servers and proxies."""
GRACE: Final = 2.0
"""Seconds that answers may still be written, at least, when all of them are made."""
_LOG = logging.getLogger("acl_bundle.server")


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        OSError: The address is taken, or is none of this host; the text names it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        why = (
            error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        )
        raise OSError(error.errno, f"{why}: {host} port {port}") from error
    # Connections inherit it. Head and body of an answer are two writes, and the second
    # would wait for the client's delayed acknowledgement: 40 ms.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


class Ends:
    """HTTP, and gRPC where it is wanted, on one loop in one thread.

    Args:
        app: What answers over HTTP.
        service: What answers over gRPC.
        host: Which address of this host.
        port: For HTTP; 0 for any that is free.
        grpc_port: For gRPC; None for none.
        limits: Of connections and bodies.
        bodies: Counts what is in memory.
        threads: Take large requests of gRPC apart.

    Attributes:
        port: The port of HTTP.
        grpc_port: That of gRPC; None where it is off.

    Raises:
        OSError: A port is taken.
    """

    def __init__(
        self,
        app: Any,
        service: Any,
        host: str,
        port: int,
        grpc_port: int | None,
        limits: ServerLimits,
        bodies: Bodies,
        threads: Threads,
    ) -> None:
        self._limits, self._service, self._grace = limits, service, GRACE
        self._bodies, self._threads = bodies, threads
        self._socket = listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._address = f"[{host}]" if ":" in host else host
        self.grpc_port: int | None = grpc_port
        config = uvicorn.Config(
            app, http=connection(limits.receive, limits.connections), lifespan="off", ws="none",
            loop="asyncio",
            log_config=None, log_level="warning", access_log=False, server_header=False,
            timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=int(GRACE),
        )  # fmt: skip
        self._http = uvicorn.Server(config)
        self._began: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="acl_bundle.server", daemon=True)
        self._thread.start()
        try:
            self._began.result()
        except BaseException:
            self._socket.close()
            self._thread.join()
            raise

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._began.done():
                _LOG.critical("the server's thread ended", exc_info=True)
            else:
                self._began.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        rpc = None if self.grpc_port is None else await self._grpc(self.grpc_port)
        try:
            self._began.set_result(None)
            await self._http.serve(sockets=[self._socket])
        finally:
            if rpc is not None:
                await rpc.stop(self._grace)

    async def _grpc(self, port: int) -> Any:
        most = self._limits.body
        server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),  # a port that is taken is told
                ("grpc.max_receive_message_length", most),
                ("grpc.max_send_message_length", -1),
            ],
            interceptors=[Decoding(self._bodies, self._threads)],
            maximum_concurrent_rpcs=self._limits.connections,
        )
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self._service, server)
        try:
            self.grpc_port = server.add_insecure_port(f"{self._address}:{port}")
        except RuntimeError as error:
            listen(self._address.strip("[]"), port).close()  # tells why, mostly
            raise OSError(f"{self._address} port {port} cannot be had for gRPC: {error}") from error
        await server.start()
        return server

    def call(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run a coroutine on the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(make(), self._loop).result()

    @property
    def running(self) -> bool:
        """Whether the thread answers."""
        return self._thread.is_alive()

    def close(self, seconds: float) -> None:
        """Stop listening, give what is being written some seconds, and wait for the thread."""
        self._grace = max(seconds, GRACE)
        self._http.config.timeout_graceful_shutdown = math.ceil(self._grace)
        self._http.should_exit = True
        self._thread.join()
