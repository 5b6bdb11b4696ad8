"""The engine: a GraphQL request becomes an answer. Documents and plans are kept, so each is worked out once."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import strawberry
import structlog
from graphql import GraphQLObjectType, GraphQLSchema, OperationDefinitionNode, OperationType
from graphql.execution.values import VariableValues

from countersign.kit.access import Actor
from countersign.kit.budgets import Charge
from countersign.kit.errors import Refusal
from countersign.kit.refusals import Refusals
from countersign.kit.walls import Wall
from countersign.reads.args import Call
from countersign.reads.cache import Effort, Kept, Statistics
from countersign.reads.errors import BadInput, TooComplex, Unreadable
from countersign.reads.plan import Plan, compile_query
from countersign.reads.selection import Fields, Selections
from countersign.schema import limits, pricing, recording
from countersign.schema.answer import Answer
from countersign.schema.authority import require_authority
from countersign.schema.base import Tools
from countersign.schema.documents import Document, read
from countersign.schema.exporting import ListExporter
from countersign.schema.failures import failed
from countersign.schema.introspection import introspect, merged, split
from countersign.schema.mutations import Mutations
from countersign.schema.pricing import Everything, Price
from countersign.schema.problems import Fault, denials, fault, identified, of_refusal
from countersign.schema.subscriptions import FACTS
from countersign.schema.subscriptions_base import SINCE, wish
from countersign.schema.subscriptions_live import Listener, Live, Member, Visit
from countersign.schema.subscriptions_live import Selection as Subscribed
from countersign.schema.subscriptions_plan import EventPlan, compile_event, root_field

KEPT_DOCUMENTS: Final = 2_000
KEPT_BYTES: Final = 32 * 1024 * 1024  # of documents with everything that was worked out for them, in one process
SHOWN_ERRORS: Final = 5
BYTES_OF_KNOWN: Final = 1_500


log = structlog.get_logger()


class Asked(Protocol):
    """What a client sends."""

    @property
    def query(self) -> str:
        """The document."""

    @property
    def variables(self) -> Mapping[str, Any]:
        """The values of its variables."""

    @property
    def operation_name(self) -> str | None:
        """Which of its operations; None or empty when there is but one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sends, for those who ask from inside."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that can run: read, resolved, its variables coerced, its price known.

    `cost` is the most that it may cost, in points, of which `fixed` come whatever is found; `key` is equal for
    requests that one plan serves.
    """

    document: Document
    operation: OperationDefinitionNode
    variables: VariableValues
    kind: OperationType
    cost: int
    fixed: int
    key: tuple[Document, str, object]
    known: "Known"


@dataclass(frozen=True, slots=True)
class Query:
    """A query's root fields, which of them ask about the schema, and the plan of the others."""

    fields: Fields
    about_schema: Fields
    plan: Plan | None


@dataclass(slots=True)
class Known:
    """What is worked out once for all requests with one key: the price at preparation, plans at execution.

    `payloads` are the plans of a mutation's fields by response key.
    """

    price: Price
    query: Query | None = None
    payloads: dict[str, Plan] = field(default_factory=dict)
    event: EventPlan | None = None

    @property
    def plans(self) -> list[Plan]:
        """Every plan that was compiled."""
        found = [*self.payloads.values()]
        if self.query is not None and self.query.plan is not None:
            found.append(self.query.plan)
        if self.event is not None:
            found.append(self.event.plan)
        return found

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory."""
        return BYTES_OF_KNOWN + sum(plan.weight for plan in self.plans)


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """What one process keeps of documents and plans, and what making them took. Weights in bytes, times in seconds."""

    documents: Statistics
    read: Effort
    compiled: Effort


class Changed(ConnectionError):
    """What was to be revealed changed twice while the answer was made: as good as busy."""


class Engine:
    """Answers GraphQL requests over one schema and one database."""

    def __init__(
        self, schema: strawberry.Schema, tools: Tools, *, tells_strangers: bool = True, kept_bytes: int = KEPT_BYTES
    ) -> None:
        """Raises BindingMistake for a schema with a field for which nobody said who may use it.

        `tells_strangers` is whether those who have not signed in may read the schema (introspection).

        `kept_bytes` is about how much memory documents and their plans may take.
        """
        self.schema: GraphQLSchema = schema._schema  # noqa: SLF001 - the graphql-core schema that Strawberry declares
        require_authority(self.schema)
        self.db = tools.db
        self.sealer = tools.sealer
        self._documents: Kept[str, Document] = Kept(KEPT_DOCUMENTS, kept_bytes)
        self._read = Effort()
        self._compiled = Effort()
        self._tells_strangers = tells_strangers
        self.exporter = ListExporter(self)
        self._mutations = Mutations(schema, replace(tools, exporter=self.exporter))
        self.live = Live(tools.db, tools.sealer, FACTS)
        self.refusals = Refusals(tools.db)

    def prepare(self, asked: Asked, actor: Actor) -> Prepared:
        """Read the document (once for each text), choose the operation, coerce the variables, price it.

        Touches no database. Raises Unreadable with coded errors for whatever cannot run or may not be asked.
        """
        document = self.document(asked.query)
        operation = document.operation(asked.operation_name)
        name = operation.name.value if operation.name else ""
        if name in document.telling and not (self._tells_strangers or actor.known):
            raise Unreadable(fault(Fault.UNAUTHENTICATED, "Sign in to read the schema"))
        limits.check_values(asked.variables)
        variables, shape = document.variables[name].read(asked.variables)
        key = (name, shape)
        known = document.known.get(key)
        if known is None:
            known = Known(self._price(operation, Selections(self.schema, document.fragments, variables)))
            document.known.put(key, known, known.weight)
            self._weigh(document)
        objects, fixed = known.price.of(variables.coerced)
        pricing.require(objects + fixed, operation.operation)
        return Prepared(
            document, operation, variables, operation.operation, objects + fixed, fixed, (document, *key), known
        )

    def worst_cost(self, text: str) -> int:
        """What the dearest operation of a document may cost with any variables. Raises Unreadable."""
        document = self.document(text)
        selections = Everything(self.schema, document.fragments, VariableValues(sources={}, coerced={}))
        return max(sum(self._price(each, selections).of({})) for each in document.operations.values())

    async def answer(self, asked: Asked, actor: Actor, request_id: str) -> Answer:
        """Prepare and execute in one go, for those who charge no budget. Never raises."""
        try:
            prepared = self.prepare(asked, actor)
        except Unreadable as unreadable:
            return self.refused(unreadable, request_id)
        return await self.execute(prepared, actor, request_id)

    def refused(self, unreadable: Unreadable, request_id: str) -> Answer:
        """The answer to a request that could not be prepared."""
        return Answer(errors=identified(unreadable.errors, request_id))

    async def execute(self, prepared: Prepared, actor: Actor, request_id: str, charge: Charge | None = None) -> Answer:
        """Answer a query or a mutation; `charge` is what the field `rateLimit` tells of.

        Never raises (but CancelledError): what goes wrong is in the answer, coded, without internal text.
        """
        try:
            answer = await self._execute(prepared, self.call(actor, charge), request_id)
            spent = pricing.spent(prepared.cost, prepared.fixed, answer.data)
        except Unreadable as unreadable:
            answer, spent = Answer(errors=unreadable.errors), pricing.spent(prepared.cost, 0, None)
        except (BadInput, TooComplex, Refusal) as refused:
            answer, spent = Answer(errors=[_refused(refused)]), pricing.spent(prepared.cost, 0, None)
        except Exception as error:  # noqa: BLE001 - the last wall before the client: nothing internal may pass
            answer, spent = Answer(errors=[failed(error, request_id)]), prepared.cost
        identified(answer.errors, request_id)
        await recording.refused(self.refusals, actor, prepared.kind.value, answer.errors)
        told = {"requested": prepared.cost, "actual": spent, "limit": pricing.LIMIT}
        return replace(answer, extensions={**answer.extensions, "cost": told}, spent=spent)

    async def _execute(self, prepared: Prepared, call: Call, request_id: str) -> Answer:
        operation = prepared.operation
        selections = Selections(self.schema, prepared.document.fragments, prepared.variables)
        if prepared.kind is OperationType.MUTATION:
            payloads = prepared.known.payloads
            try:
                return await self._mutations.run(
                    operation, selections, call, plans=payloads, effort=self._compiled, request_id=request_id
                )
            finally:
                self._grown(prepared)
        root = self.schema.query_type
        if prepared.kind is OperationType.SUBSCRIPTION or root is None:
            raise Unreadable(fault(Fault.OPERATION_RESOLUTION_FAILURE, "This operation cannot run here"))
        return await self._query(prepared, root, selections, call)

    async def subscribe(
        self, prepared: Prepared, visit: Visit, listener: Listener, request_id: str, since: str | None = None
    ) -> Member:
        """Begin a subscription of a visit (`live.enter`); its events go to the listener until `live.cancel`.

        `since` is an `eventId` and goes before the argument `sinceEventId`. Raises Unreadable with coded errors.
        """
        try:
            selection, argued = self._subscribed(prepared)
            return await self.live.subscribe(visit, listener, selection, since or argued)
        except Unreadable as unreadable:
            errors = unreadable.errors
        except (BadInput, TooComplex) as refused:
            errors = [_refused(refused)]
        except Exception as error:  # noqa: BLE001 - as in `execute`
            errors = [failed(error, request_id)]
        raise Unreadable(*identified(errors, request_id))

    def _subscribed(self, prepared: Prepared) -> tuple[Subscribed, str | None]:
        root = self.schema.subscription_type
        if root is None:
            raise Unreadable(fault(Fault.OPERATION_RESOLUTION_FAILURE, "This operation cannot run here"))
        selections = Selections(self.schema, prepared.document.fragments, prepared.variables)
        path, _, given = root_field(root, prepared.operation, selections)
        plan = prepared.known.event
        if plan is None:
            with self._compiled.measured():
                plan = compile_event(root, prepared.operation, selections)
            prepared.known.event = plan
            self._grown(prepared)
        # `sinceEventId` decides where one begins and nothing of what is told later.
        rest = {name: value for name, value in given.items() if name != SINCE}
        values = {name: value for name, value in prepared.variables.coerced.items() if name not in plan.beginning}
        key = (prepared.key, repr(rest), repr(values))
        return Subscribed(key, plan, selections, wish(plan.stream, given), path), given.get(SINCE)

    async def _query(
        self,
        prepared: Prepared,
        root: GraphQLObjectType,
        selections: Selections,
        call: Call,
    ) -> Answer:
        operation, query = prepared.operation, prepared.known.query
        if query is None:
            with self._compiled.measured():
                fields = selections.of(root, [operation.selection_set])
                about_data, about_schema = split(fields)
                plan = compile_query(selections, root, about_data) if about_data else None
            prepared.known.query = query = Query(fields, about_schema, plan)
            self._grown(prepared)
        data, revealed = b"{}", list[Any]()
        if query.plan is not None:
            if denied := denials(call.actor, query.plan.requirements):
                return Answer(b"null", denied)
            data, revealed = await self._run(query.plan, selections, call)
        if query.about_schema:
            about = introspect(self.schema, operation, selections, query.about_schema)
            data = merged(query.fields, data, about)
        return Answer(data=data, revealed=revealed)

    async def _run(self, plan: Plan, selections: Selections, call: Call) -> tuple[bytes, list[Any]]:
        parameters = plan.bind(call, selections.variables)
        pool = self.db.searcher if plan.wall is Wall.SEARCH else self.db.reader
        async with pool() as connection:
            data, revealed = await plan.run(connection, call, parameters)
        if plan.personal:
            await recording.read(self.db, call.actor, plan.personal)
        return await self._reveal(plan, call, parameters, data, revealed) if plan.reveals else (data, [])

    async def _reveal(
        self, plan: Plan, call: Call, parameters: list[object], data: bytes, revealed: list[Sequence[Any]]
    ) -> tuple[bytes, list[Any]]:
        """Let learners be seen: recorded and charged in a transaction that commits before the bytes leave.

        What has changed since the answer was made is read again, there. Raises Changed when it changes once more.
        """
        async with self.db.writer() as tx:
            for again in (False, True):
                if again:
                    data, revealed = await plan.run(tx.connection, call, parameters)
                allowed = [await let(tx, call.actor, shown) for let, shown in zip(plan.reveals, revealed, strict=True)]
                if all(allowed):
                    await recording.looked(tx, call.actor, sum(len(rows) for rows in revealed))
                    return data, [one for rows in revealed for one in rows]
            raise Changed

    def document(self, text: str) -> Document:
        """The document of a text, from memory when it was read before. Raises Unreadable."""
        document = self._documents.get(text)
        if document is None:
            with self._read.measured():
                document = read(self.schema, text)
            self._documents.put(text, document, document.weight)
        return document

    def statistics(self) -> EngineStatistics:
        """What is kept of documents and plans, and what making them took, since the process began."""
        return EngineStatistics(self._documents.statistics(), replace(self._read), replace(self._compiled))

    def _grown(self, prepared: Prepared) -> None:
        """Weigh again what a plan was added to."""
        _, *key = prepared.key
        prepared.document.known.reweigh(tuple(key), prepared.known.weight)
        self._weigh(prepared.document)

    def _weigh(self, document: Document) -> None:
        self._documents.reweigh(document.text, document.weight + document.known.statistics().weight)

    def call(self, actor: Actor, charge: Charge | None = None) -> Call:
        """A call by an actor, at the clock's time."""
        nonce = secrets.token_hex(16)
        return Call(actor, self.sealer, nonce, self.db.clock.now(), budget=charge, vault=self.db.vault)

    def _price(self, operation: OperationDefinitionNode, selections: Selections) -> Price:
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            raise Unreadable(fault(Fault.OPERATION_RESOLUTION_FAILURE, "This operation cannot run here"))
        return pricing.price(root, operation, selections)


def _refused(refused: BadInput | TooComplex | Refusal) -> dict[str, Any]:
    if isinstance(refused, BadInput):
        return fault(Fault.BAD_USER_INPUT, refused.message, path=refused.path)
    if isinstance(refused, Refusal):
        return of_refusal(refused)
    return fault(Fault.OPERATION_TOO_COMPLEX, "The operation selects too many fields")
