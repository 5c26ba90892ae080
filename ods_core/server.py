"""What the front door opens: where the API hangs, and what happens as the server starts and stops."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount
from streamlit import config

from ods_core.api import build
from ods_core.api.guard import LocalPages, Unframed, is_loopback
from ods_core.basics import logs
from ods_core.basics.errors import OdsError, StoreError
from ods_core.basics.openid import faults
from ods_core.basics.settings import Settings
from ods_core.demo import load
from ods_core.importing import clear as clear_imports
from ods_core.payments import NoRate, read_exchange_rates
from ods_core.queries.facts import keep_up
from ods_core.service import Courier, CourierPolicy, Runtime, Scheduler, presence, require_sign_in, runtime, shut_down
from ods_core.service.scheduler import DUTIES
from ods_core.ui.entry import entries

log = logging.getLogger("ods.server")

API = "/v1"
"""Where the API hangs."""
PATIENCE = 10.0
"""Seconds that the end waits for facts in the making; what they come to is then thrown away."""


def routes() -> list[BaseRoute]:
    """The API, under `/v1`.

    Raises:
        SystemExit: the server is to listen where others can reach it, and nobody would have to sign in; or the
            sign-in that is configured cannot work.
    """
    auth = _sign_in()
    if auth is None:
        refuse_open_address(str(config.get_option("server.address") or ""))
    else:
        refuse_faulty_sign_in(auth)
    require_sign_in(auth is not None)
    return [Mount(API, app=build(local_only=auth is None)), *entries()]


def guards() -> list[Middleware]:
    """What every request passes first: no page in a frame of another site; without sign-in, this machine alone."""
    local = [Middleware(LocalPages, api=API)] if _sign_in() is None else []
    return [Middleware(Unframed), *local]


def _sign_in() -> Mapping[str, Any] | None:
    """How people sign in, None where nobody does."""
    auth: Mapping[str, Any] | None = st.secrets.get("auth") if st.secrets.load_if_toml_exists() else None
    return auth


def refuse_open_address(address: str) -> None:
    """End the start of a server that would be open to other machines; an empty address is every address."""
    if not is_loopback(address):
        raise SystemExit(
            f"ods: refusing to listen on {address or 'every address'}: no sign-in is configured, so whoever reaches it "
            "could do everything. Configure sign-in (docs/access.md), or start it with --server.address 127.0.0.1 and "
            "reach it from elsewhere through a tunnel (ssh -L 8501:127.0.0.1:8501 HOST)."
        )


def refuse_faulty_sign_in(auth: Mapping[str, Any]) -> None:
    """End the start of a server whose sign-in could not work, or would not keep anybody out."""
    if found := faults(auth):
        raise SystemExit(
            f"ods: sign-in is not configured right in secrets.toml: {'; '.join(found)}. See docs/access.md."
        )


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Open the database, fill an empty one with the demo, carry out what falls due, deliver
    webhooks, and let go of it at the end.

    A database that cannot be opened does not keep the server from starting: each page and each call says why.
    """
    settings = Settings()
    logs.configure(settings.log_format, settings.log_level)
    scheduler = courier = facts = None
    try:
        run = runtime()
    except StoreError as error:
        log.error("%s", error.detail)
    else:
        clear_imports(run.store)
        _check_exchange_rates(run.settings)
        if run.signs_in and not run.people.has_admin():
            log.warning("people sign in here, and nobody is an administrator: name one in ODS_ADMINS")
        _fill_if_empty(run)
        port = config.get_option("server.port")
        presence.announce(run.settings.database_url, presence.Presence(f"http://127.0.0.1:{port}", run.word))
        facts = threading.Thread(target=_make_facts, args=(run,), name="ods-facts", daemon=True)
        facts.start()
        scheduler = _set_to_work(run)
        courier = Courier(run.webhooks, CourierPolicy.of(run.settings))
        courier.start()
    _settle_in()
    yield {}
    if facts:
        facts.join(PATIENCE)
    if courier:
        courier.stop()
    if scheduler:
        scheduler.stop()
        presence.withdraw(run.settings.database_url)
    shut_down()


def _settle_in() -> None:
    """Leave all that is loaded by now out of later collections of garbage.

    It stays as long as the server does, and to walk all of it takes 0.1 to 0.2 s, for which every thread waits: a page
    of a long history, which makes thousands of objects, would wait for that several times.
    """
    gc.collect()
    gc.freeze()


def _set_to_work(run: Runtime) -> Scheduler:
    """What works beside pages and API: the clock and the chores, and following a server whose own clock decides."""
    duties = () if run.follower else DUTIES
    scheduler = Scheduler(run.service, run.settings.scheduler_seconds, [run.access.forget_old_answers], duties)
    scheduler.start()
    if run.follower:
        run.follower.start()
    return scheduler


def _check_exchange_rates(settings: Settings) -> None:
    """Say at start what every sum in a reporting currency would say later; the rest works without."""
    try:
        table = read_exchange_rates(settings.exchange_rates_file)
        if settings.reporting_currency:
            table.into(settings.reporting_currency)
    except NoRate as error:
        log.error("ODS_REPORTING_CURRENCY: %s", error.problems[0].detail)
    except OdsError as error:
        log.error("ODS_EXCHANGE_RATES: %s", error.detail)


def _make_facts(run: Runtime) -> None:
    """Have what the outcomes are measured from ready before somebody asks: of a long history it is not made at once."""
    try:
        keep_up(run.store)
    except Exception:
        log.exception("the facts could not be kept up; whoever reads makes the rows that are missing")


def _fill_if_empty(run: Runtime) -> None:
    """Fill an empty store beside the server, which can show how far it has come meanwhile."""
    if not run.settings.demo or run.follower or not run.store.is_empty():
        return
    run.filling.share, run.filling.step = 0.0, "Preparing the demo"
    threading.Thread(target=_fill, args=(run,), name="ods-demo", daemon=True).start()


def _fill(run: Runtime) -> None:
    def report(share: float, step: str) -> None:
        run.filling.share, run.filling.step = min(share, 0.99), step

    try:
        load(run, report)
    except Exception as error:
        log.exception("the demo could not be loaded; the store is empty")
        run.filling.error = str(error)
    run.filling.share = 1.0
