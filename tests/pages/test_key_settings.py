"""Settings → API keys and Security, as an administrator and as anybody else meets them."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import ROOT
from ods_core.service import NewKey, Runtime


def opened(view: str, persona: str = "administrator") -> AppTest:
    """The view, opened from the entry point."""
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60).run()
    app.switch_page("settings.py")
    app.query_params["as"], app.query_params["view"] = persona, view
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """Everything the page says."""
    told = [*app.markdown, *app.caption, *app.info, *app.success, *app.error, *app.code]
    return "\n".join(str(one.value) for one in told) + "\n".join(str(t.value.to_dict()) for t in app.table)


def test_without_keys_it_says_that_the_api_is_open(running: Runtime) -> None:
    assert "open to programs on this machine" in words(opened("keys"))


@pytest.mark.parametrize("persona", ["delivery_lead", "finance", "executive", "provider"])
@pytest.mark.parametrize("view", ["keys", "security"])
def test_only_administrators_look_after_the_door(running: Runtime, view: str, persona: str) -> None:
    running.access.make_key(LOCAL, NewKey("Nightly export", ("viewer",), "ORG-26-090500"))
    told = words(opened(view, persona))
    assert "administrators" in told
    assert "Nightly export" not in told


def test_a_key_is_made_shown_once_and_ended(running: Runtime) -> None:
    app = opened("keys")
    app.text_input(key="key_name").input("Nightly *export*")
    app.multiselect(key="key_roles").set_value(["finance", "viewer"])
    app.text_input(key="key_organization").input("ORG-26-090500")
    next(b for b in app.button if b.label == "Make the key").click().run()
    assert not app.exception
    shown = app.code[0].value
    assert running.access.caller(f"Bearer {shown}", "127.0.0.1").organization_id == "ORG-26-090500"
    app.button(key="key_copied").click().run()
    assert shown not in words(app)
    assert shown not in words(opened("keys"))
    app.button(key="key_end").click().run()
    (key,) = running.access.keys(LOCAL)
    assert key.status(running.clock()) == "revoked"


def test_what_cannot_be_is_told_and_what_was_typed_stays(running: Runtime) -> None:
    app = opened("keys")
    app.text_input(key="key_name").input("Nightly export")
    app.multiselect(key="key_roles").set_value(["viewer"])
    app.text_input(key="key_organization").input("acme")
    next(b for b in app.button if b.label == "Make the key").click().run()
    assert not app.exception
    assert "such as ORG-26-000001" in "\n".join(str(e.value) for e in app.error).replace("\\", "")
    assert app.text_input(key="key_name").value == "Nightly export"
    assert running.access.keys(LOCAL) == []


def test_security_tells_what_happened(running: Runtime) -> None:
    running.access.make_key(LOCAL, NewKey("Nightly export", ("viewer",), "ORG-26-090500"))
    assert "Key made" in words(opened("security"))
    assert "Nightly export" in words(opened("security"))
