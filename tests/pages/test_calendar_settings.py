"""Settings → Calendars, as an administrator and as anybody else meets it."""

from __future__ import annotations

import pytest

from ods_core.basics.roles import LOCAL
from ods_core.service import NewLink, Runtime
from tests.pages.test_key_settings import opened, words


def test_a_link_is_made_shown_once_and_ended(running: Runtime) -> None:
    app = opened("calendars")
    assert "No link was made here yet." in words(app)
    app.text_input(key="link_name").input("The *finance* team's")
    app.text_input(key="link_organization").input("ORG-26-090500")
    next(b for b in app.button if b.label == "Make the link").click().run()
    assert not app.exception
    address = app.code[0].value
    token = address.rsplit("/", 1)[1].removesuffix(".ics")
    assert address.startswith("http")
    assert running.calendars.open(token).organization_id == "ORG-26-090500"
    app.button(key="link_copied").click().run()
    assert token not in words(app)
    assert token not in words(opened("calendars"))
    app.button(key="link_end").click().run()
    assert not app.exception
    (link,) = running.calendars.newest(LOCAL, limit=10)
    assert link.revoked_at is not None


def test_what_cannot_be_is_told_and_what_was_typed_stays(running: Runtime) -> None:
    app = opened("calendars")
    app.text_input(key="link_name").input("Ours")
    app.text_input(key="link_organization").input("acme")
    next(b for b in app.button if b.label == "Make the link").click().run()
    assert not app.exception
    assert "such as ORG-26-000001" in "\n".join(str(e.value) for e in app.error).replace("\\", "")
    assert app.text_input(key="link_name").value == "Ours"
    assert running.calendars.newest(LOCAL, limit=10) == []


@pytest.mark.parametrize("persona", ["delivery_lead", "finance", "executive", "provider"])
def test_only_administrators_look_after_links(running: Runtime, persona: str) -> None:
    running.calendars.make(LOCAL, NewLink("The board's"))
    told = words(opened("calendars", persona))
    assert "looked after by administrators" in told
    assert "The board's" not in told
