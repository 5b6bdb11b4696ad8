"""`demo`: a market to look at, made once, served at once."""

from __future__ import annotations

import asyncio
import contextlib
import json as text_json
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from countersign import __version__, app
from countersign.cli.hosting import (
    BAD_USAGE,
    database,
    explained,
    leave_on_sigterm,
    listening,
    load,
    prepare,
    run_application,
    say,
)
from countersign.config import Mode, Settings
from countersign.demo import frontend
from countersign.demo import run as made_demo
from countersign.demo.run import Made, NotADemo, Pass
from countersign.demo.seed import Progress as Tell
from countersign.demo.seed import SeedFailed
from countersign.kit.installation import OriginMismatch


def run(port: int | None, data: Path | None, learners: int | None, seed: int | None, *, json: bool, ui: bool) -> int:
    """Make the demo's data unless they are there, serve them, and print what to click."""
    started = time.monotonic()
    leave_on_sigterm()
    settings = load(mode=Mode.DEMO, port=port, data=data)
    with listening(settings, "demo") as bound:
        if ui:
            frontend.build_in_background(say)
        with explained(), database(settings) as ready_settings:
            try:
                asyncio.run(prepare(ready_settings))
                made, passes, news = asyncio.run(_make(ready_settings, learners, seed))
            except OriginMismatch:
                elsewhere = shlex.quote(f"{settings.data}-{settings.port}")
                say(f"{settings.data} was made for another port — try that port, or:")
                say(f"python3 server demo --port {settings.port} --data {elsewhere}")
                return BAD_USAGE
            except (NotADemo, SeedFailed) as failure:
                say(str(failure))
                return BAD_USAGE

            links = _links(ready_settings, passes)

            def ready() -> None:
                seconds = time.monotonic() - started
                if json:
                    sys.stdout.write(_as_json(ready_settings, passes, links) + "\n")
                    sys.stdout.flush()
                else:
                    _print(ready_settings, made, passes, links, news, seconds)

            return run_application(ready_settings, bound, ready)


async def _make(
    settings: Settings, learners: int | None, seed: int | None
) -> tuple[Made, dict[str, Pass], dict[str, str]]:
    async with app.tools_of(settings) as tools:
        with _progress() as tell:
            made = await made_demo.prepare(settings, tools, tell, learners=learners, seed_number=seed)
        passes = await made_demo.mint(tools.db, made)
        made_demo.keep(settings, passes)
        return made, passes, await made_demo.news(tools.db)


@contextlib.contextmanager
def _progress() -> Iterator[Tell]:
    """Bars on stderr when somebody looks, else one line for each thing done."""
    if not sys.stderr.isatty():
        done: set[str] = set()

        def line(what: str, at: int, of: int) -> None:
            if at >= of and what not in done:
                done.add(what)
                say(f"{what}: {of}")

        yield line
        return
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def bar(what: str, at: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=at, total=of)

        yield bar


def _links(settings: Settings, passes: Mapping[str, Pass]) -> dict[str, str]:
    """The address by which each role is signed in once."""
    once = made_demo.make_links(settings, passes)
    return {role: f"{settings.public_origin}/demo/{role}?once={secret}" for role, secret in once.items()}


def _as_json(settings: Settings, passes: Mapping[str, Pass], links: Mapping[str, str]) -> str:
    tokens = {role: {"token": given.token, "organization": given.organization} for role, given in passes.items()}
    addresses = {"url": f"{settings.public_origin}/", "graphql": f"{settings.public_origin}/graphql"}
    return text_json.dumps({**addresses, "tokens": tokens, "links": links}, ensure_ascii=False)


def _print(
    settings: Settings,
    made: Made,
    passes: Mapping[str, Pass],
    links: Mapping[str, str],
    news: Mapping[str, str],
    seconds: float,
) -> None:
    out = Console(soft_wrap=True, highlight=False, markup=False)
    origin = settings.public_origin
    out.print(f"countersign {__version__}   ready in {seconds:.1f} s   data: {settings.data}")
    out.print(f"  Page        {origin}/")
    out.print(f"  GraphiQL    {origin}/graphql")
    out.print(
        "Sign in as (each link once; the page as often as you like), or send the token as `Authorization: Bearer …`:"
    )
    for role, given in passes.items():
        whose = f"{given.organization}: " if given.organization else ""
        out.print(f"  {role:<11} {links[role]}")
        out.print(f"  {'':<11} {given.token}   {whose}{news[role]}")
    out.print("Real: skills of ESCO and O*NET (subsets), 892 course listings of New Jersey schools (not endorsed).")
    out.print(f"Made up: everyone who signs or is signed for, their blocks and endorsements, {made.learners} learners.")
    out.print("Stop: Ctrl-C    Reset: python3 server reset    Check: python3 server doctor")
