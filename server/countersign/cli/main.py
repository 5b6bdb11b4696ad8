"""The verbs and their options. What a verb does is in the module of its name beside this one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from countersign import __version__
from countersign.cli.main_imports import imports
from countersign.cli.options import AsJson, Data, run

app = typer.Typer(
    name="countersign",
    help="The portal where employers countersign micro-credentials.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(imports)
documents = typer.Typer(
    name="documents",
    help="Trusted documents: GraphQL texts that clients name by their SHA-256.",
    no_args_is_help=True,
)
app.add_typer(documents)
organization = typer.Typer(
    name="organization",
    help="What the operator alone says of organizations: suspensions, ties, second opinions.",
    no_args_is_help=True,
)
app.add_typer(organization)

log = typer.Typer(
    name="log",
    help="The transparency log: check that nothing was changed behind its back.",
    no_args_is_help=True,
)
app.add_typer(log)

Port = Annotated[int | None, typer.Option(help="Where to listen [4600].", envvar="COUNTERSIGN_PORT", min=1, max=65535)]
Host = Annotated[str | None, typer.Option(help="Address to listen on [127.0.0.1].", envvar="COUNTERSIGN_HOST")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"countersign {__version__}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    port: Port = None,
    data: Data = None,
    learners: Annotated[
        int | None, typer.Option(help="How many learners to make [2000].", min=1, max=1_000_000)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same learners [7].")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON: url, graphql, tokens by role.")] = False,
    ui: Annotated[bool, typer.Option("--ui/--no-ui", help="Build GraphiQL when it is not fresh.")] = True,
) -> None:
    """Make a market to look at, serve it, and print what to click."""
    run("demo", port=port, data=data, learners=learners, seed=seed, json=json, ui=ui)


@app.command()
def serve(
    port: Port = None,
    host: Host = None,
    data: Data = None,
    workers: Annotated[int, typer.Option(help="How many processes share the port.", min=1, max=64)] = 1,
) -> None:
    """Serve the data directory, or the database of DATABASE_URL."""
    run("serve", port=port, host=host, data=data, workers=workers)


@app.command()
def migrate(data: Data = None) -> None:
    """Bring the database to the schema of this version; safe to repeat and to run twice at once."""
    run("migrate", data=data)


@documents.command("add")
def add_documents(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help=".graphql files, folders of them, manifests of Relay, Apollo, Code Generator.", exists=True
        ),
    ],
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Check documents against the schema and its limits, and register them: all or none."""
    run("documents", action="add", paths=paths, data=data, json=json)


@documents.command("list")
def list_documents(data: Data = None, json: AsJson = False) -> None:
    """What is registered."""
    run("documents", action="list", data=data, json=json)


@documents.command("remove")
def remove_documents(
    ids: Annotated[list[str], typer.Argument(help="The SHA-256 of the document.")], data: Data = None
) -> None:
    """Take documents out; within a second they run no more."""
    run("documents", action="remove", ids=ids, data=data)


@organization.command("suspend")
def suspend_organization(
    handle: Annotated[str, typer.Argument(help="Its handle.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    data: Data = None,
) -> None:
    """Take all authority from an organization, at once."""
    run("organizations", action="suspend", handle=handle, reason=reason, data=data)


@organization.command("resume")
def resume_organization(handle: Annotated[str, typer.Argument(help="Its handle.")], data: Data = None) -> None:
    """Let a suspended organization act again."""
    run("organizations", action="resume", handle=handle, data=data)


@organization.command("link")
def link_organizations(
    holder: Annotated[str, typer.Argument(help="The handle of who controls.")],
    held: Annotated[str, typer.Argument(help="The handle of whom it controls.")],
    same_owner: Annotated[bool, typer.Option("--same-owner", help="Neither controls: both have one owner.")] = False,
    data: Data = None,
) -> None:
    """Write down that two organizations belong together; everyone sees it."""
    run("organizations", action="link", holder=holder, held=held, same_owner=same_owner, data=data)


@organization.command("unlink")
def unlink_organizations(link: Annotated[str, typer.Argument(help="The link's id, lnk_….")], data: Data = None) -> None:
    """End a link between two organizations."""
    run("organizations", action="unlink", link=link, data=data)


Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day.")]
LastDay = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day.")]


@organization.command("maker")
def declare_maker(
    handle: Annotated[str, typer.Argument(help="The handle of who makes it.")],
    tool: Annotated[str, typer.Argument(help="The tool, as specifications name it.")],
    data: Data = None,
) -> None:
    """Write down that an organization makes a tool; everyone sees it, and it is disclosed when it signs."""
    run("organizations", action="maker", handle=handle, tool=tool, data=data)


@organization.command("sponsor")
def declare_sponsor(
    sponsor: Annotated[str, typer.Argument(help="The handle of who pays.")],
    sponsored: Annotated[str, typer.Argument(help="The handle of who is paid.")],
    since: Day,
    until: LastDay = None,
    data: Data = None,
) -> None:
    """Write down that one organization pays another; everyone sees it."""
    run("organizations", action="sponsor", sponsor=sponsor, sponsored=sponsored, since=since, until=until, data=data)


@organization.command("end")
def end_interest(
    declaration: Annotated[str, typer.Argument(help="What ends: mak_… or spo_….")],
    until: LastDay = None,
    data: Data = None,
) -> None:
    """End a tool's maker or a sponsorship; it counts for a year more."""
    run("organizations", action="end", declaration=declaration, until=until, data=data)


@organization.command("approve")
def approve_proposal(
    approval: Annotated[str, typer.Argument(help="The proposal's id, apr_….")], data: Data = None
) -> None:
    """Be the second person for what an admin of an organization proposed."""
    run("organizations", action="approve", approval=approval, data=data)


@organization.command("recognize-issuer")
def recognize_issuer(
    issuer: Annotated[str, typer.Argument(help="Its id as its endorsements say it, such as did:key:z6Mk….")],
    name: Annotated[str, typer.Option(help="Who it is.")],
    data: Data = None,
) -> None:
    """Say that you know who makes endorsements elsewhere under this id."""
    run("organizations", action="recognize", issuer=issuer, name=name, data=data)


@organization.command("publish-policy")
def publish_policy(
    file: Annotated[Path, typer.Argument(help="The file.", exists=True, dir_okay=False, readable=True)],
    note: Annotated[str, typer.Option(help="Why; everyone reads it.")],
    data: Data = None,
) -> None:
    """Publish the platform's next quorum policy: JSON such as {"groups": 3, "four_eyes": true}."""
    run("organizations", action="publish", file=file, note=note, data=data)


@log.command("verify")
def verify_log(
    witness: Annotated[
        list[Path] | None,
        typer.Option(help="Checkpoints that somebody kept; may be repeated.", exists=True, dir_okay=False),
    ] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Recompute and compare everything: exit 0 as recorded, 1 tampered (and where), 2 could not look."""
    run("log", action="verify", witness=witness, data=data, json=json)


@log.command("checkpoint")
def log_checkpoint(
    keep: Annotated[
        Path | None, typer.Option(help="Add it to this file, if it follows on the last one there.", dir_okay=False)
    ] = None,
    data: Data = None,
) -> None:
    """Print the newest checkpoint, a signed note; who keeps it elsewhere can witness."""
    run("log", action="checkpoint", keep=keep, data=data)


@log.command("export")
def export_log(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there [stdout].", dir_okay=False)] = None,
    data: Data = None,
) -> None:
    """Write the log as JSON lines, for a verifier of your own; no personal data in it."""
    run("log", action="export", output=output, data=data)


@app.command("export-schema")
def export_schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there [stdout].")] = None,
    check: Annotated[bool, typer.Option("--check", help="Fail when schema.graphql is not the code's.")] = False,
    federation: Annotated[bool, typer.Option("--federation", help="The subgraph's SDL, for composers.")] = False,
    changes: Annotated[
        bool, typer.Option("--changes", help="What changed since the last release; fails when it breaks clients.")
    ] = False,
    release: Annotated[bool, typer.Option("--release", help="Make this the last release's schema.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="With --release: of a version that nobody has yet.")] = False,
) -> None:
    """Print the GraphQL schema, compare it with the last release's, or release it."""
    run(
        "export_schema",
        output=output,
        check=check,
        federation=federation,
        changes=changes,
        release=release,
        anew=anew,
    )


@app.command()
def doctor(data: Data = None, port: Port = None, json: AsJson = False) -> None:
    """Check what can go wrong, and say what to type."""
    run("doctor", data=data, port=port, json=json)


@app.command()
def register(
    handle: Annotated[str, typer.Argument(help="Its short name in addresses; it never changes.")],
    name: Annotated[str, typer.Option(help="The name in its register.")],
    kind: Annotated[str, typer.Option(help="school, employer, agency or platform.")],
    country: Annotated[str, typer.Option(help="The country of its seat, such as DE.")],
    url: Annotated[str | None, typer.Option(help="Its own site.")] = None,
    data: Data = None,
) -> None:
    """Register an organization; nobody has checked it yet."""
    run("people", action="register", handle=handle, name=name, kind=kind, country=country, url=url, data=data)


@app.command()
def invite(
    handle: Annotated[str, typer.Argument(help="The organization's handle.")],
    address: Annotated[str, typer.Argument(help="The e-mail address for which the invitee's sign-in must vouch.")],
    role: Annotated[list[str] | None, typer.Option(help="A role; may be said several times [org_admin].")] = None,
    data: Data = None,
) -> None:
    """Invite a member; the link is shown once, and good for a week."""
    run("people", action="invite", handle=handle, address=address, roles=role or ["org_admin"], data=data)


@app.command("mail-report")
def mail_report(
    file: Annotated[
        Path | None, typer.Argument(help="The report [standard input].", exists=True, dir_okay=False, readable=True)
    ] = None,
    data: Data = None,
) -> None:
    """Take a report that a letter came back or was unwanted (RFC 3464, RFC 5965), as mail servers pipe it."""
    run("mail_report", file=file, data=data)


@app.command()
def token(
    role: Annotated[str, typer.Argument(help="reviewer, signatory, author, registrar, recruiter, org_admin, auditor.")],
    organization: Annotated[str | None, typer.Option(help="Handle; else the first one that suits the role.")] = None,
    days: Annotated[int, typer.Option(help="How long it holds.", min=1, max=365)] = 90,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Make an API token; it is shown once."""
    run("token", role=role, organization=organization, days=days, data=data, json=json)


@app.command("sign-in")
def sign_in(
    role: Annotated[
        str,
        typer.Argument(
            help="reviewer, signatory, author, registrar, recruiter, org_admin, auditor; or school, as in the demo."
        ),
    ],
    organization: Annotated[str | None, typer.Option(help="Handle; else the first one that suits the role.")] = None,
    data: Data = None,
    port: Port = None,
) -> None:
    """Print a link that signs a browser of this machine in, once; demo and dev only."""
    run("sign_in", role=role, organization=organization, data=data, port=port)


@app.command()
def bench(
    learners: Annotated[
        str, typer.Option(help="For how many learners, with commas between; 1000000 takes minutes to make.")
    ] = "10000,100000",
    rows: Annotated[str, typer.Option(help="Which rows: spec, catalogue, recruiter, endorse, import, fanout.")] = "all",
    seconds: Annotated[float, typer.Option(help="How long each side of a row is asked.", min=0.2, max=600)] = 5.0,
    json: Annotated[Path | None, typer.Option(help="Write the figures there.", dir_okay=False, writable=True)] = None,
    data: Data = None,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep the made data for the next run.")] = True,
) -> None:
    """Measure this version beside a bare endpoint that does the same work, on this machine."""
    run("bench", data=data, learners=learners, wanted=rows, json=json, seconds=seconds, keep=keep)


@app.command()
def reset(
    data: Data = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove the data directory of a demo or a development installation."""
    run("reset", data=data, yes=yes)


@app.command("ui-build")
def ui_build() -> None:
    """Build GraphiQL unless it is fresh; the demo does it by itself."""
    run("ui_build")


@app.command("test", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def run_tests(context: typer.Context) -> None:
    """Run every gate and test: --campaign for the long ones too, --no-browser, and what pytest takes."""
    run("tests", arguments=context.args)


def main() -> None:
    """The command line."""
    app(prog_name="python3 server")
