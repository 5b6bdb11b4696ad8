"""The verbs: help, exit codes, messages that say what to type."""

from __future__ import annotations

import json
from pathlib import Path

import asyncpg
import pytest

from countersign import config
from countersign.cli import token
from countersign.kit import embedded
from countersign.kit.access import POLICY, OrganizationKind, Permission, Role, Scope
from tests.cli.running import verb, verb_anew

VERBS = (
    "demo",
    "serve",
    "migrate",
    "import",
    "export-schema",
    "doctor",
    "documents",
    "register",
    "invite",
    "mail-report",
    "token",
    "sign-in",
    "reset",
    "test",
)


def test_help_names_every_verb_and_reads_little() -> None:
    shown = verb_anew("--help", PYTHONPROFILEIMPORTTIME="1")
    assert shown.returncode == 0
    for name in VERBS:
        assert f" {name} " in shown.stdout
    read = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "typer" in read
    assert not read & {"sqlalchemy", "strawberry", "graphql", "asyncpg", "cryptography", "countersign.app"}


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help(name: str) -> None:
    shown = verb(name, "--help")
    assert shown.returncode == 0
    assert f"Usage: python3 server {name}" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("demoo",), "Did you mean 'demo'?"),
        (("serve", "--prot", "1"), "--port"),
        (("serve", "--port", "99999"), "less than or equal to 65535"),
        (("token", "reviewr"), "did you mean reviewer?"),
        (("sign-in", "reviewr"), "did you mean reviewer?"),
        (("sign-in", "learner"), "claim an award"),
        (("import", "skils", "x"), "Did you mean 'skills'?"),
        (("import", "skills", "not-there.csv"), "not-there.csv"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(arguments: tuple[str, ...], sentence: str) -> None:
    refused = verb(*arguments)
    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


def test_completion_is_there() -> None:
    assert "_COMPLETE" in verb("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").stdout


def test_the_schema_is_printed_and_checked(tmp_path: Path) -> None:
    assert verb("export-schema", "-o", str(tmp_path / "s.graphql")).returncode == 0
    assert (tmp_path / "s.graphql").read_text() == (config.ROOT / "schema.graphql").read_text()
    assert verb("export-schema", "--check").returncode == 0


def test_import_says_what_it_did_and_repeats_without_change(tmp_path: Path) -> None:
    data, file = str(tmp_path / "data"), str(config.ROOT / "server/countersign/data/osmt/Skills-Import.csv")
    looked = verb("import", "skills", file, "--data", data, "--dry-run", "--json")
    assert json.loads(looked.stdout)["dry_run"] is True
    assert json.loads(verb("import", "skills", file, "--data", data, "--json").stdout)["created"] > 0
    again = json.loads(verb("import", "skills", file, "--data", data, "--json").stdout)
    assert (again["created"], again["updated"]) == (0, 0)


def test_a_bad_file_is_refused_whole_with_exit_1(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("email,full_name\nx,y\n")
    refused = verb("import", "skills", str(bad), "--data", str(tmp_path / "data"))
    assert refused.returncode == 1
    assert refused.stdout.splitlines()[-1] == "nothing was imported"
    assert refused.stdout.splitlines()[1].split() == ["line", "field", "value", "problem"]
    unknown = verb("import", "awards", str(bad), "--as", "nobody", "--data", str(tmp_path / "data"))
    assert (unknown.returncode, "no school has the handle 'nobody'" in unknown.stderr) == (2, True)


def test_doctor_names_what_is_wrong_and_what_to_type(tmp_path: Path) -> None:
    data = tmp_path / "data"
    before = verb("doctor", "--data", str(data), "--json")
    assert before.returncode == 0
    assert {r["name"]: r["state"] for r in json.loads(before.stdout)}["PostgreSQL"] == "note"
    assert verb("migrate", "--data", str(data)).returncode == 0
    (data / "secret").chmod(0o644)
    found = verb("doctor", "--data", str(data), "--json")
    rows = {r["name"]: r for r in json.loads(found.stdout)}
    assert found.returncode == 1
    assert rows["data directory"] == {
        "name": "data directory",
        "state": "problem",
        "seen": f"others may read {data / 'secret'}",
        "remedy": f"chmod 600 '{data / 'secret'}'",
    }
    assert {rows[n]["state"] for n in ("Python", "PostgreSQL", "extensions", "migrations", "candidate index")} == {"ok"}


def test_reset_removes_our_data_and_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "letter").write_text("keep me")
    assert verb("reset", "--data", str(strange), "--yes").returncode == 2
    assert (strange / "letter").read_text() == "keep me"
    assert verb("migrate", "--data", str(data)).returncode == 0
    assert verb("reset", "--data", str(data)).returncode == 2, "no terminal, no --yes"
    assert (data / "postgres").exists()
    assert verb("reset", "--data", str(data), "--yes").returncode == 0
    assert not data.exists()


def test_a_data_directory_that_cannot_be_made_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = verb("migrate", "--data", str(tmp_path / "file" / "data"))
    assert refused.returncode == 2
    assert "is not writable" in refused.stderr
    assert "--data DIR" in refused.stderr


@pytest.mark.parametrize("role", list(Role))
def test_a_roles_token_holds_the_scopes_that_the_policy_gives_it(role: Role) -> None:
    for kind in token.kinds_of(role):
        wanted = {r.scope for r in POLICY.values() if role in r.roles and kind in r.kinds and r.scope}
        assert token.scopes_of(role, kind) == wanted | {Scope.SPEC_READ}
    assert token.kinds_of(Role.RECRUITER) >= POLICY[Permission.SEARCH_CANDIDATES].kinds
    assert token.kinds_of(Role.AUDITOR) == set(OrganizationKind)


async def test_the_embedded_database_belongs_to_no_superuser(tmp_path: Path) -> None:
    assert verb("migrate", "--data", str(tmp_path / "data")).returncode == 0
    with embedded.EmbeddedPostgres(tmp_path / "data" / "postgres", durable=False) as server:
        connection = await asyncpg.connect(await server.create_database("countersign"))
        assert not await connection.fetchval("select rolsuper from pg_roles where rolname = session_user")
        assert await connection.fetchval("select tableowner from pg_tables where tablename = 'outbox'") == "countersign"
        await connection.close()
