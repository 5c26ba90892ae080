"""Every call of the description once, with success, on an API in this process; each answer is held against it."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL, Role
from ods_core.papers import Format
from ods_core.queries.exports import ageing_paper
from ods_core.queries.payments import PaymentFilter
from ods_core.service import NewKey, Runtime, Stage
from tests.api.conftest import Engagement, proposal_body

ODS = "/capabilities/ods"
Check = Callable[[str, httpx.Response], None]
"""Holds an answer to the call with this label against its description."""


class InProcess(httpx.BaseTransport):
    """Asks an API without a server in between."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One call and its answer, read whole."""
        return asyncio.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        asked = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        async with httpx.ASGITransport(app=self.app) as transport:
            answer = await transport.handle_async_request(asked)
            content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content))


class Answers:
    """Holds each answer of a client against its description, and counts it.

    Args:
        labels: the calls that there are, such as `GET /requests/{id}`; of several that fit, the first is meant.
        check: what becomes of each answer.
    """

    def __init__(self, labels: Iterable[str], check: Check) -> None:
        self.check = check
        self.counted: Counter[tuple[str, int]] = Counter()
        self._forms = [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(label))), label) for label in labels]

    def __call__(self, answer: httpx.Response) -> None:
        """The client's hook."""
        answer.read()
        asked = f"{answer.request.method} {answer.request.url.path}"
        label = next(label for form, label in self._forms if form.fullmatch(asked))
        self.check(label, answer)
        self.counted[label, answer.status_code] += 1


class Walk:
    """An engagement that goes as far as one can, two that do not, and what stands around them.

    Args:
        run: what the API works on.
        clock: its clock, which is moved on.
        app: the API.
        answers: what becomes of its answers.
        with_keys: whether to begin with a key, which the API asks for ever after.
    """

    def __init__(
        self, run: Runtime, clock: MovingClock, app: Any, answers: Answers | None = None, *, with_keys: bool
    ) -> None:
        self.run, self.clock, self.with_keys = run, clock, with_keys
        self.key: str | None = None
        if with_keys:
            _, self.key = run.access.make_key(LOCAL, NewKey("the walk's", [*Role]))
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        self.api = httpx.Client(
            transport=InProcess(app),
            base_url=f"http://localhost{ODS}",
            headers=headers,
            event_hooks={"response": [answers] if answers else []},
        )
        self.ids: dict[str, str] = {}
        """One thing that is left in each collection, by its name in paths."""

    def go(self) -> None:
        """All of it."""
        self._read_tools()
        done = self._deliver()
        self._settle(done)
        self._give_up()
        self._look_after()
        self._read_all(done)

    def _get(self, path: str, expected: int = 200, **query: Any) -> httpx.Response:
        answer = self.api.get(path, params=query)
        assert answer.status_code == expected, answer.text
        return answer

    def _read_tools(self) -> None:
        tool = Engagement(self.api)
        tool.post("/criteria/check", {"criteria": ["Failure rate <0.1% in staging load test.", "It is good."]})
        terms = {"terms": "50% on confirmation, 50% on final acceptance", "fixed_price": 15500.0}
        tool.post("/payment-terms/parse", terms)
        days = [{"title": "Root cause analysis and fix", "days": {"engineer": 6}}]
        tool.post("/quotes", {"deliverables": days, "currency": "USD", "budget_max": 10, "timeline_weeks": 1})

    def _deliver(self) -> Engagement:
        """Negotiated, expired, re-issued, rejected once, and completed."""
        walk = Engagement(self.api).submitted()
        id = walk.request["id"]
        walk.post(f"/requests/{id}/negotiate", {"reason": "More weeks are needed.", "timeline_weeks": 4})
        walk.post(f"/requests/{id}/revise", {"timeline_weeks": 4})
        estimate = {
            "deliverables": [{"key": d["key"], "days": {"engineer": 4}} for d in proposal_body()["deliverables"]]
        }
        late = {"planned_start": "2026-07-01", "planned_end": "2026-07-21"}
        cycles = [proposal_body()["cycles"][0] | late]
        walk.proposed(quote=estimate, cycles=cycles, review_window_days=5, timeline_weeks=4)
        self.clock.advance(days=20)
        walk.scope = walk.post(f"/scopes/{walk.scope['id']}/reissue", {}, 201)
        walk.confirmed()
        first, *others = walk.deliverable_ids
        walk.post(f"/deliverables/{first}/start", {})
        for deliverable in walk.deliverable_ids:
            self._submit(walk, deliverable)
        reason = {
            "deliverable_id": first,
            "rejection_reason": "Not good enough.",
            "criteria_not_met": [{"criterion": 1, "evidence": ""}],
        }
        walk.post("/reasons/check", reason)
        rejection = {name: reason[name] for name in ("rejection_reason", "criteria_not_met")}
        walk.post(f"/deliverables/{first}/accept", {"accepted": False} | rejection)
        for deliverable in others:
            walk.post(f"/deliverables/{deliverable}/accept", {"accepted": True, "notes": "Good."})
        self._submit(walk, first)
        verdicts = [{"criterion": 1, "verdict": "met", "evidence": "Seen."}]
        walk.post(f"/deliverables/{first}/accept", {"accepted": True, "verdicts": verdicts})
        return walk

    def _submit(self, walk: Engagement, id: str) -> None:
        walk.post(f"/deliverables/{id}/submit", {"notes": "Done.", "evidence": ["https://ci.example.com/1"]})

    def _settle(self, walk: Engagement) -> None:
        due, other = (row["id"] for row in walk.get(f"/payments?scope_id={walk.scope['id']}"))
        wrong = walk.post(f"/payments/{due}/invoice", {}, 201)["id"]
        walk.post(f"/invoices/{wrong}/void", {"reason": "Another address."})
        lost = walk.post(f"/payments/{other}/invoice", {}, 201)["id"]
        walk.post(f"/invoices/{lost}/uncollectible", {"reason": "Insolvent."})
        walk.post(f"/payments/{due}/invoice", {}, 201)
        received = {"amount": 7750.0, "received_on": "2026-05-05", "reference": "WIRE 1"}
        receipt = walk.post(f"/payments/{due}/receipts", received, 201)["id"]
        walk.post(f"/receipts/{receipt}/reverse", {"reason": "Another client's."}, 201)
        walk.post(f"/payments/{due}/receipts", received | {"reference": "WIRE 2", "amount": 0.5}, 201)
        self.ids |= {"payments": due, "invoices": lost, "receipts": receipt}

    def _give_up(self) -> None:
        begun = Engagement(self.api).proposed()
        begun.post(f"/scopes/{begun.scope['id']}", {"confirm": False, "reason": "Fewer weeks."})
        begun.post(f"/requests/{begun.request['id']}/cancel", {"reason": "No need any more."})
        stopped = Engagement(self.api).proposed(cycles=[_later(proposal_body()["cycles"][0])]).confirmed()
        stopped.post(f"/scopes/{stopped.scope['id']}/terminate", {"reason": "No need any more."})
        Engagement(self.api).proposed(cycles=[_later(proposal_body()["cycles"][0])])

    def _look_after(self) -> None:
        hand = Engagement(self.api)
        if self.with_keys:
            made = hand.post("/keys", {"name": "to be read", "roles": ["viewer"]}, 201)
            self._delete(f"/keys/{made['id']}")
            self.ids["keys"] = made["id"]
        link = hand.post("/calendar-links", {"name": "to be read"}, 201)
        self._get(link["path"].removeprefix(f"/v1{ODS}"))
        self._delete(f"/calendar-links/{link['id']}")
        wanted = {"url": "https://8.8.8.8:9/", "event_types": ["*"]}
        endpoint, gone = (hand.post("/webhook-endpoints", wanted, 201)["id"] for _ in range(2))
        self._delete(f"/webhook-endpoints/{gone}")
        place = f"/webhook-endpoints/{endpoint}"
        hand.post(f"{place}/test", {}, 202)
        hand.post(f"{place}/replay", {"from": "2026-01-01T00:00:00Z"}, 202)
        for verb in ("rotate-secret", "disable", "enable"):
            hand.post(f"{place}/{verb}", {})
        self.ids |= {"calendar-links": link["id"], "webhook-endpoints": endpoint}

    def _delete(self, path: str) -> None:
        answer = self.api.delete(path)
        assert answer.status_code == 200, answer.text

    def _read_all(self, done: Engagement) -> None:
        scope = self._get(f"/scopes/{done.scope['id']}").json()["data"]
        line = self._get("/service-lines", scope_id=scope["id"]).json()["data"][0]["id"]
        self.ids |= {"requests": done.request["id"], "scopes": scope["id"], "service-lines": line}
        self.ids |= {"cycles": scope["cycles"][0]["id"], "deliverables": done.deliverable_ids[0]}
        for collection, id in self.ids.items():
            self._get(f"/{collection}/{id}")
            if collection != "receipts":  # they are listed with their payment
                self._get(f"/{collection}", limit=2)
        self._get("/security-events")
        self._get("/metrics/outcomes")
        for kind in ("deliverables", "service-lines"):
            self._get(f"/{kind}/{self.ids[kind]}/certificate")
            self._get(f"/{kind}/{self.ids[kind]}/certificate.pdf")
        for place in ("forecast", "statement", "statement.pdf", *(f"statement.{f}" for f in Format)):
            self._get(f"/scopes/{scope['id']}/{place}")
        for name in ("payments", "ageing", "receipts", "invoices"):
            for format in Format:
                self._get(f"/{name}.{format}", currency="USD")
        self._get(f"/invoices/{self.ids['invoices']}.pdf")
        self._get(f"/payments/{self.ids['payments']}/receipts")
        self._get(f"/webhook-endpoints/{self.ids['webhook-endpoints']}/deliveries")
        self._get("/payments/forecast", currency="USD")
        self._get("/metrics/forecast")
        self._get("/backup.zip")
        self._get(f"/downloads/{self._prepared()}")
        for path in ("/events", "/health", "/metrics"):
            self._root(path)

    def _root(self, path: str) -> None:
        answer = self.api.get(f"http://localhost{path}")
        assert answer.status_code == 200, answer.text

    def _prepared(self) -> str:
        """The token of a file that a page would have had prepared."""
        made = self.run.preparations.start(
            lambda connection: ageing_paper(connection, LOCAL, PaymentFilter(), self.clock()),
            Format.CSV,
            label="Ageing",
            file_name="ageing.csv",
            total=0,
        )
        for _ in range(200):
            if made.stage != Stage.WRITING:
                break
            time.sleep(0.05)
        assert made.stage == Stage.DONE, made.error
        return made.token


def _later(cycle: dict[str, Any]) -> dict[str, Any]:
    return cycle | {"planned_start": "2026-06-01", "planned_end": "2026-06-21"}
