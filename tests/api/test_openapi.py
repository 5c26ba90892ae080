"""Every answer is as the description says: a walk through every call, and whatever else schemathesis comes up with.

The walk succeeds with each call once, so that no shape of a good answer goes unread. schemathesis then makes up
requests from the description alone, good ones and bad ones, where nobody needs a key, with a key that may do
everything, and without one. It looks for answers of 500 and more; for statuses, types of content, headers and shapes
that are not described; and for bad requests that are taken for good ones.

The usual run is short, and the same each time. `ODS_TEST_FULL=1` makes up many more.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.config import AnalysisConfig, ConstantsConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from sqlalchemy import delete
from starlette.types import Receive, Scope, Send

from ods_core.api import build
from ods_core.basics.clock import MovingClock
from ods_core.basics.settings import Settings
from ods_core.service import Runtime, Service, using
from ods_core.store import Store, tables
from tests.api.every_call import ODS, Answers, Walk
from tests.databases import memory_url
from tests.seed import SUBMITTED

FULL = os.environ.get("ODS_TEST_FULL") == "1"
EXAMPLES = 60 if FULL else 3

WORLDS = {False: "open", True: "with keys"}

API = build()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The API, asked from this machine."""
    await API(scope | {"client": ("127.0.0.1", 50_000)} if scope["type"] == "http" else scope, receive, send)


def _schema() -> Any:
    # Words out of our own sources would make another run of each change of them.
    sources = AnalysisConfig(constants=ConstantsConfig(enabled=False))
    config = SchemathesisConfig(seed=1, projects=ProjectsConfig(default=ProjectConfig(analysis=sources)))
    read = schemathesis.openapi.from_dict(API.openapi(), config=config)
    read.app = app
    # Who asks is decided here: made-up keys would soon come to nothing but 429.
    read.config.generation.with_security_parameters = False
    return read


NOT_HELD = [
    # A request of the right shape may still name a currency that there is none of, or a cursor that nobody was given:
    # the rules judge values, and 422 says which one.
    positive_data_acceptance,
]
OPEN_NOT_HELD = [
    *NOT_HELD,
    # Where no key was made yet the API is open to this machine, as it is documented.
    ignored_auth,
]
OPERATIONS = {found.ok().label: found.ok() for found in _schema().get_all_operations()}


@dataclass
class World:
    """A store with everything in it, and who may ask."""

    run: Runtime
    walk: Walk
    answers: Answers
    answered: Counter[int] = field(default_factory=Counter)
    """What schemathesis was answered, by status."""

    def reopen(self) -> None:
        """Let nobody need a key again, once one was made where none is needed."""
        with self.run.store.write() as unit:
            unit.connection.execute(delete(tables.api_keys))
        self.run.access = Runtime(self.run.settings, self.run.store, self.run.service, self.run.clock).access


@pytest.fixture(scope="module", params=[False, True], ids=WORLDS.get)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """One for all tests of the page where nobody needs a key, and one where everybody does."""
    clock = MovingClock(SUBMITTED)
    store = Store(memory_url(), clock)
    limits = {"rate_per_key": 10**8, "rate_per_address": 10**8}
    run = Runtime(Settings(database_url=memory_url(), demo=False, **limits), store, Service(store, clock), clock)
    answers = Answers(OPERATIONS, lambda label, answer: OPERATIONS[label].validate_response(answer))
    with using(run):
        walk = Walk(run, clock, app, answers, with_keys=request.param)
        walk.go()
        made = World(run, walk, answers)
        yield made
    print(f"{sum(made.answered.values())} requests were made up, answered {sorted(made.answered.items())}")
    run.close()


def test_every_call_succeeds_once_and_is_answered_as_described(world: World) -> None:
    answered = {label for label, status in world.answers.counted if status < 300}
    keys = set() if world.walk.with_keys else {label for label in OPERATIONS if f"{ODS}/keys" in label}
    assert sorted(set(OPERATIONS) - answered) == sorted(keys)


@pytest.mark.parametrize("world", WORLDS if FULL else [True], ids=WORLDS.get, indirect=True)
@pytest.mark.parametrize("label", OPERATIONS)
def test_whatever_is_asked_is_answered_as_described(world: World, label: str) -> None:
    operation = OPERATIONS[label]
    known = world.walk.ids.get(operation.path.split("/")[3], "") if operation.path.startswith(ODS) else ""
    doors = [world.walk.api.headers.get("Authorization")] + ([None] if world.walk.with_keys else [])

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), door=st.sampled_from(doors), is_known=st.sampled_from((True, True, False)))
    def ask(case: schemathesis.Case, door: str | None, is_known: bool) -> None:
        if known and is_known and "id" in case.path_parameters:
            case.path_parameters["id"] = known
        headers = {"Authorization": door} if door else {}
        answer = case.call(base_url="http://localhost", headers=headers)
        world.answered[answer.status_code] += 1
        if door is None and world.walk.with_keys:
            needs = operation.path not in ("/health",) and "{token}" not in operation.path
            assert (answer.status_code == 401) == needs
        case.validate_response(answer, excluded_checks=NOT_HELD if world.walk.with_keys else OPEN_NOT_HELD)
        if not world.walk.with_keys and label == f"POST {ODS}/keys" and answer.status_code == 201:
            world.reopen()

    ask()
