"""The port that we listen on."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from countersign.cli.hosting import listening
from countersign.config import load
from tests.ports import free_port


async def test_answers_on_a_kept_connection_do_not_wait_for_acknowledgements(tmp_path: Path) -> None:
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listening(load(port=free_port(), data=tmp_path), "serve") as bound:
        async with await asyncio.start_server(note, sock=bound):
            _, writer = await asyncio.open_connection("127.0.0.1", bound.getsockname()[1])
            found = await accepted
            writer.close()
            await writer.wait_closed()
    assert found
