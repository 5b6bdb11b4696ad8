"""Logs: one line of JSON, or one line for a person; each with its request's id; never a secret, nor a forged line."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

HIDDEN = "[hidden]"
COMMON_PATH = "/graphql"
_SECRET_NAMES = re.compile(
    r"token|secret|passw|authorization|cookie|credential_key|key_encryption|dsn|database_url", re.IGNORECASE
)
_SECRET_VALUES = re.compile(
    r"\bcts[ktd]_[0-9A-Za-z]+"  # our API tokens
    r"|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)"  # user and password of an address
    r"|(?<=[Bb]earer )\S+"
)
# What ends a line for some reader of logs (also NEL and the separators of Unicode), moves a cursor or turns the text.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TRACEBACK = "exception"
_SET_IN = "    "
_form: str | None = None  # how this process writes, once it was told
_BARE = 40  # deeper than any value we log


def hide_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what is a secret by its name or by its look, however deep it lies."""
    for name, value in event.items():
        event[name] = HIDDEN if _SECRET_NAMES.search(name) else _without_secrets(value, _BARE)
    return event


def _without_secrets(value: object, depth: int) -> object:
    if isinstance(value, str):
        return _SECRET_VALUES.sub(HIDDEN, value)
    if isinstance(value, bool | int | float | None):
        return value
    if depth == 0:
        return HIDDEN
    if isinstance(value, dict):
        return {k: HIDDEN if _SECRET_NAMES.search(str(k)) else _without_secrets(v, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_secrets(v, depth - 1) for v in value]
    return _SECRET_VALUES.sub(HIDDEN, str(value))


def keep_to_a_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Write out what somebody else's text would break or turn the line with.

    A traceback keeps its lines, which nobody takes for the log's own: they are set in.
    """
    for name, value in event.items():
        if isinstance(value, str) and name != _TRACEBACK:
            event[name] = _UNSEEN.sub(_escaped, value)
        elif isinstance(value, str):
            event[name] = "\n".join(_SET_IN + _UNSEEN.sub(_escaped, line) for line in value.split("\n"))
    return event


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _as_json(event: object, **_: object) -> str:
    # What is left to escape stands inside strings, where JSON writes it the same way.
    return _UNSEEN.sub(_escaped, json.dumps(event, ensure_ascii=False, default=str))


def configure(form: str) -> None:
    """Send every log of this process, ours and the libraries', to stderr as `console` or `json` lines."""
    global _form  # noqa: PLW0603 - the process has one stderr
    _form = form
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
        *([] if form == "json" else [keep_to_a_line]),
    ]
    last: structlog.types.Processor = (
        structlog.processors.JSONRenderer(serializer=_as_json)
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).handlers = []
        logging.getLogger(noisy).propagate = True
    for quiet in ("uvicorn.access", "uvicorn.error", "alembic"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def say_request(method: str, path: str, status: int, milliseconds: float, request_id: str) -> None:
    """Log the one line of a request: `info`, `warning` when we had no time for it, `error` when we failed.

    The common line is written without the machinery, which would cost more than a small query does.
    """
    spent = round(milliseconds, 1)
    level = "info" if status < 500 else "error" if status == 500 else "warning"  # noqa: PLR2004 # server errors
    if _form is None or path != COMMON_PATH or not method.isalpha():
        say = {"info": _requests.info, "warning": _requests.warning, "error": _requests.error}[level]
        say("request", method=method, path=path, status=status, milliseconds=spent, request_id=request_id)
        return
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    if _form == "json":
        line = (
            f'{{"method": "{method}", "path": "{path}", "status": {status}, "milliseconds": {spent},'
            f' "event": "request", "request_id": "{request_id}", "level": "{level}", "logger": "request",'
            f' "timestamp": "{at}"}}\n'
        )
    else:
        said = f"method={method} milliseconds={spent} path={path} request_id={request_id} status={status}"
        line = f"{at} [{level:<9}] {'request':<30} [request] {said}\n"
    sys.stderr.write(line)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger by name; bind what every line of it should say."""
    made: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return made


_requests = logger("request")
