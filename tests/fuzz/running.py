"""Sends drawn requests to a server, judges each answer, and makes what failed smaller."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    parse,
    validate,
    visit,
)
from graphql.language import FieldNode

from tests.fuzz.grammar import Grammar
from tests.fuzz.judging import SLOWEST, Answered, faults
from tests.fuzz.values import Treasury, Values
from tests.fuzz.wire import Asked, asked
from tests.patience import within

STREAM_PATIENCE = 0.05


@dataclass
class Report:
    """What a run has seen."""

    requests: int = 0
    slowest: float = 0.0
    repeated: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    fields: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)


class Fuzz:
    """A fuzzing run: its seed decides every request, as far as the answers before were the same."""

    def __init__(self, client: httpx.AsyncClient, schema: GraphQLSchema, tokens: list[str], seed: int) -> None:
        self.client = client
        self.schema = schema
        self.tokens = tokens
        self.seed = seed
        self.slowest = within(SLOWEST)
        self.treasury = Treasury()
        self.report = Report()
        self.leads = leads(schema, all_fields(schema))

    async def run(self, first: int, many: int, at_once: int = 3) -> None:
        """Send that many requests, numbered from `first`; stop at the fifth failure."""
        numbers = iter(range(first, first + many))

        async def worker() -> None:
            for number in numbers:
                if len(self.report.failures) >= 5:
                    return
                await self.one(number)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())

    def drawn(self, number: int) -> Asked:
        """The request of a number."""
        draw = random.Random(f"{self.seed}:{number}")  # noqa: S311 - a seed that can be repeated is the point
        token = draw.choice([*self.tokens, *self.tokens, None])
        values = Values(draw, self.treasury, draw.choice([0.0, 0.0, 0.02, 0.06, 0.3]))
        document = Grammar(self.schema, draw, values, leads=self.leads).document()
        return asked(draw, values, document, token)

    async def one(self, number: int) -> None:
        """Send one request and judge the answer."""
        request = self.drawn(number)
        answered = await send(self.client, request)
        report = self.report
        report.requests += 1
        report.statuses[answered.status] += 1
        if answered.seconds > self.slowest:
            answered = await self.quickest(request, answered)
        found = faults(request, answered, self.slowest)
        if found:
            smallest = await shrunk(self.client, request, found, self.slowest)
            report.failures.append(
                f"request {number} of seed {self.seed}: {'; '.join(found)}\n{smallest.shown()}\n"
                f"→ {answered.content[:600]!r}"
            )
            return
        report.slowest = max(report.slowest, answered.seconds)
        self.learn(request, answered)

    async def quickest(self, request: Asked, answered: Answered) -> Answered:
        """The quickest of three answers to a request: what is slow once was slow with everything else beside it."""
        self.report.repeated += 1
        again = [await send(self.client, request) for _ in range(2)]
        return min(answered, *again, key=lambda each: each.seconds)

    def learn(self, request: Asked, answered: Answered) -> None:
        """Keep ids and cursors of an answer, and which fields were asked in documents that were executed."""
        known = len(self.report.fields)
        self._learn(request, answered)
        if len(self.report.fields) > known:
            self.leads = leads(self.schema, all_fields(self.schema) - self.report.fields)

    def _learn(self, request: Asked, answered: Answered) -> None:
        if request.path != "/graphql" or request.method != "POST":
            return
        if answered.headers["content-type"].startswith("text/event-stream"):
            self.report.fields |= followed_fields(self.schema, request)
            return
        if "json" not in answered.headers["content-type"]:
            return
        body = json.loads(answered.content)
        for error in body.get("errors", ()):
            self.report.codes[error["extensions"]["code"]] += 1
        if body.get("data") is not None:
            self.treasury.learn(body["data"])
            self.report.fields |= asked_fields(self.schema, json.loads(request.content)["query"])


async def schema_of(client: httpx.AsyncClient) -> GraphQLSchema:
    """The schema that the server tells about itself."""
    answer = await client.post("/graphql", json={"query": get_introspection_query(input_value_deprecation=True)})
    return build_client_schema(answer.json()["data"])


async def send(client: httpx.AsyncClient, request: Asked) -> Answered:
    """The answer to a request; status 0 when the server hangs up twice without one.

    Once is not a fault: the connection may be one that the server was about to close.
    """
    for _ in range(2):
        with contextlib.suppress(httpx.RemoteProtocolError, httpx.NetworkError):
            return await _sent(client, request)
    return Answered(0, {}, b"", 0.0)


async def _sent(client: httpx.AsyncClient, request: Asked) -> Answered:
    """The answer; of an answer that streams, what came in its first moments."""
    started = time.perf_counter()
    headers = [(name.encode(), value.encode("utf-8", "replace")) for name, value in request.headers]
    made = client.build_request(request.method, request.path, headers=headers, content=request.content)
    answer = await client.send(made, stream=True)
    seconds = time.perf_counter() - started
    content = b""
    try:
        streams = answer.headers.get("content-type", "").startswith("text/event-stream")
        async with asyncio.timeout(STREAM_PATIENCE if streams else None):
            async for chunk in answer.aiter_raw():
                content += chunk
    except TimeoutError:
        pass
    else:
        seconds = max(seconds, time.perf_counter() - started)
    finally:
        await answer.aclose()
    return Answered(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, content, seconds)


async def shrunk(
    client: httpx.AsyncClient, request: Asked, found: list[str], slowest: float = SLOWEST, tries: int = 150
) -> Asked:
    """A smaller request with a fault of the same kind: parts of the body are left out as long as it stays."""
    kind = found[0].split(":")[0][:24]

    async def still(candidate: Asked) -> bool:
        again = faults(candidate, await send(client, candidate), slowest)
        return any(fault.startswith(kind) for fault in again)

    if not await still(request):
        return request
    smaller = True
    while smaller and tries > 0:
        smaller = False
        for candidate in smaller_ones(request):
            tries -= 1
            if tries <= 0:
                break
            if await still(candidate):
                request, smaller = candidate, True
                break
    return request


def smaller_ones(request: Asked) -> Iterator[Asked]:
    """The request with a part of its text left out: halves first, then ever smaller parts."""
    text, wrap = _text(request)
    size = len(text) // 2
    while size >= 1:
        for start in range(0, len(text), size):
            yield replace(request, content=wrap(text[:start] + text[start + size :]))
        size //= 4


def _text(request: Asked) -> tuple[str, Callable[[str], bytes]]:
    try:
        body: Any = json.loads(request.content)
        query = body["query"]
    except (ValueError, KeyError, TypeError):
        return request.content.decode("latin-1"), lambda text: text.encode("latin-1")
    if not isinstance(query, str):
        return request.content.decode("latin-1"), lambda text: text.encode("latin-1")
    return query, lambda text: json.dumps({**body, "query": text}).encode()


class _Names(Visitor):
    """Collects `Type.field` of every field in a document."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.found: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        """One field."""
        parent = self.info.get_parent_type()
        if parent is not None:
            self.found.add(f"{parent.name}.{node.name.value}")


def asked_fields(schema: GraphQLSchema, text: str) -> set[str]:
    """Every `Type.field` that a document asks for."""
    info = TypeInfo(schema)
    names = _Names(info)
    visit(parse(text), TypeInfoVisitor(info, names))
    return names.found


def followed_fields(schema: GraphQLSchema, request: Asked) -> set[str]:
    """The same for a request whose answer streams; none when that says what is wrong with the document."""
    try:
        text = json.loads(request.content)["query"]
        return asked_fields(schema, text) if not validate(schema, parse(text)) else set()
    except (GraphQLError, ValueError, KeyError, TypeError):
        return set()


def all_fields(schema: GraphQLSchema) -> set[str]:
    """Every `Type.field` that a client can ask for, less introspection."""
    return {
        f"{type_.name}.{name}"
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType)
        and not type_.name.startswith("__")
        and type_ != schema.subscription_type
        for name in type_.fields
    }


def leads(schema: GraphQLSchema, missing: set[str]) -> dict[str, str]:
    """Of each type: the field that is missing, or from which a missing one can be reached in the fewest steps."""
    owners = [each for each in schema.type_map.values() if isinstance(each, GraphQLObjectType | GraphQLInterfaceType)]
    found = {
        owner.name: name for owner in owners for name in reversed(owner.fields) if f"{owner.name}.{name}" in missing
    }
    nearer: set[str] = set(found)
    while nearer:
        further = {
            owner.name: name
            for owner in owners
            if owner.name not in found
            for name, made in owner.fields.items()
            if nearer & reached(schema, made)
        }
        found |= further
        nearer = set(further)
    return found


def reached(schema: GraphQLSchema, made: GraphQLField) -> set[str]:
    """The names of the types that a field's selection may be on."""
    named = get_named_type(made.type)
    possible = schema.get_possible_types(named) if isinstance(named, GraphQLInterfaceType | GraphQLUnionType) else ()
    return {named.name, *(each.name for each in possible)}


def memory(pid: int) -> float:
    """The resident memory of a process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} tells no memory")
