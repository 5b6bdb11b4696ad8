"""An outside world on loopback: names that lead here, a server with a certificate, name servers that answer."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from countersign.kit.fetcher import Address, Fetcher, Resolver

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Names(Resolver):
    """Names as a test has them: host → addresses, one list for each time it is asked; name → TXT records."""

    def __init__(self) -> None:
        self.hosts: dict[str, list[Sequence[str]]] = {}
        self.records: dict[str, list[str]] = {}
        self.asked: list[str] = []

    async def addresses(self, host: str) -> list[Address]:
        """The next list of addresses; the last one again and again."""
        self.asked.append(host)
        if host not in self.hosts:
            raise OSError("Name or service not known")
        answers = self.hosts[host]
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ipaddress.ip_address(text) for text in now]

    async def texts(self, name: str) -> list[str]:
        """What a test has put there."""
        return self.records.get(name, [])


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for these names, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    client = ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())
    return server, client


class World:
    """One host of the outside: what it answers, and how often it was asked."""

    def __init__(self, names: Names, port: int, trust: ssl.SSLContext) -> None:
        self.names = names
        self.port = port
        self.trust = trust
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        self.pages: dict[str, bytes] = {}
        """Whole answers by address, where an address has one of its own."""
        self.requests: list[bytes] = []

    def fetcher(self, *, open_loopback: bool = True, seconds: float = 5.0) -> Fetcher:
        """A fetcher in this world; loopback counts as public only where a test says so."""
        also = (LOOPBACK,) if open_loopback else ()
        return Fetcher(self.names, port=self.port, trust=self.trust, also=also, seconds=seconds)

    def serves(self, body: bytes) -> None:
        """Answer with this body from now on."""
        self.answer = response(body)

    def stands(self, url: str, body: bytes, status: bytes = b"200 OK") -> None:
        """Answer at one address with this body from now on."""
        self.pages[url] = response(body, status)


def response(body: bytes, status: bytes = b"200 OK") -> bytes:
    """An HTTP answer."""
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


def asked(head: bytes) -> str:
    """The address that a request is for."""
    host = re.search(rb"(?i)\r\nhost: ([^\r]+)", head)
    return f"https://{(host[1] if host else b'').decode()}{head.split(b' ', 2)[1].decode()}"


@asynccontextmanager
async def world(folder: Path, *hosts: str) -> AsyncIterator[World]:
    """A server behind these names on 127.0.0.1."""
    served, trusted = certificate(folder, *hosts)
    names = Names()
    names.hosts = {host: [["127.0.0.1"]] for host in hosts}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
            here.requests.append(head + (await reader.readexactly(int(length[1])) if length else b""))
            answer = here.pages.get(asked(head), here.answer)
            writer.write(answer)
            await writer.drain()
            if answer:
                writer.close()
            else:
                await reader.read()  # says nothing until the other side leaves
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=served)
    here = World(names, server.sockets[0].getsockname()[1], trusted)
    async with server:
        yield here
