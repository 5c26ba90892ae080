"""`python -m ods_core keys`: what an operator sees, and what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ods_core.basics.clock import system_clock
from ods_core.cli import main
from ods_core.service import Access
from ods_core.store import Store
from tests.databases import kept_url


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Call the command line on a database of its own."""
    monkeypatch.setenv("ODS_DATABASE_URL", kept_url(tmp_path))

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["keys", *words])

    return run


def test_a_key_is_made_listed_and_ended(call, tmp_path: Path) -> None:
    made = call("add", "--organization", "ORG-26-090500", "--roles", "requester, viewer", "--name", "Nightly")
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    assert key.startswith("ods_")
    store = Store(kept_url(tmp_path))
    caller = Access(store, system_clock).caller(f"Bearer {key}", "127.0.0.1")
    store.close()
    assert (caller.organization_id, sorted(caller.roles)) == ("ORG-26-090500", ["requester", "viewer"])
    (line,) = call("list").stdout.splitlines()
    assert key not in line
    assert "active" in line
    assert "Nightly" in line
    id = line.split()[0]
    assert call("revoke", id).stdout == f"{id} is revoked\n"
    assert "revoked" in call("list").stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("add", "--roles", "viewer"), 2, "one of --organization ORG-… and --provider"),
        (("add", "--provider", "--organization", "ORG-26-090500", "--roles", "viewer"), 2, "one of --organization"),
        (("add", "--organization", "acme", "--roles", "viewer"), 1, "--organization: expected an identifier"),
        (("add", "--provider", "--roles", "owner"), 1, "--roles: expected one of requester"),
        (("add", "--provider", "--roles", "viewer", "--expires", "soon"), 2, "--expires: expected a time"),
        (("add", "--provider", "--roles", "viewer", "--workspace", "WS-26-000001"), 1, "--workspace: expected"),
        (("revoke", "KEY-26-000007"), 1, "there is no key KEY-26-000007"),
    ],
)
def test_what_cannot_be_is_told(call, words: tuple[str, ...], code: int, told: str) -> None:
    answer = call(*words)
    assert answer.exit_code == code
    assert told in answer.output


def test_without_keys_the_list_says_what_that_means(call) -> None:
    assert "open to this machine" in call("list").output
