"""The rights of Redis that docs/ipc_redis.md names are enough, and no more is asked for."""

from __future__ import annotations

import re
from pathlib import Path

from ..conftest import Server
from ..ipc_processes import Consumer, Process, Trainer

PAGE = Path(__file__).parents[3] / "docs/ipc_redis.md"


def test_a_trainer_and_a_consumer_of_few_rights(server: Server) -> None:
    found = re.search(r"commands `([a-z\s]+)`, a trainer `([a-z\s]+)`", PAGE.read_text("utf-8"))
    assert found is not None
    urls = {}
    for name, rights in (("consumer", found[1]), ("trainer", found[2])):
        allowed = [f"+{one}" for one in rights.split()]
        server.client.execute_command(
            "ACL", "SETUSER", name, "on", ">secret", "~policy:*", "&policy:*", *allowed
        )
        urls[name] = server.url.replace("unix://", f"unix://{name}@") + "?password=secret"
    trainer, consumer = Process(Trainer), Process(Consumer)
    trainer.do("begin", urls["trainer"], key="policy")
    consumer.do("begin", urls["consumer"], key="policy")
    consumer.ask("take", 2)
    for version in (1, 2):
        assert trainer.do("publish", version).taken
    assert consumer.answer() == [(1, 1.0), (2, 2.0)]
    consumer.ask("take", 1)
    trainer.do("end")
    consumer.kill()
    trainer.leave()
    assert server.client.get("policy:ipc") is None
