"""Signing, sending, and when to try again."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from ods_core.webhooks import Answer, RetrySchedule, Sender, new_secret, read_target, retry_after, signed_headers
from ods_core.webhooks.sending import MOST_OF_AN_ANSWER, Address
from tests.webhooks.receiver import Message, Receiver, Reply, receiving

NOW = datetime(2026, 4, 15, 10, 0, tzinfo=UTC)


def by_hand(secret: str, headers: dict[str, str], body: str) -> str:
    """A signature computed from the specification, without the library."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_signature_is_what_the_specification_says_and_its_library_verifies() -> None:
    secret, now = new_secret(), datetime.now(UTC)
    body = '{"type":"ods.payment.due","data":{"title":"“Täst” – 1"}}'
    headers = signed_headers("EVT-26-000001", now, body, [secret])
    assert headers["webhook-signature"] == by_hand(secret, headers, body)
    assert Webhook(secret).verify(body, headers)["type"] == "ods.payment.due"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + " ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)


def test_during_an_overlap_both_secrets_verify() -> None:
    old, new, now = new_secret(), new_secret(), datetime.now(UTC)
    assert old != new
    headers = signed_headers("EVT-26-000001", now, "{}", [new, old])
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (old, new):
        assert Webhook(secret).verify("{}", headers) == {}


def test_a_secret_has_256_bits_of_chance() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(base64.b64decode(s.removeprefix("whsec_"))) for s in secrets} == {32}


def test_the_waits_grow_and_the_last_attempt_comes_after_three_days() -> None:
    rows = RetrySchedule().table()
    waits = [wait for _, wait, _ in rows[1:]]
    assert waits[:5] == [timedelta(seconds=s) for s in (5, 15, 45, 135, 405)]
    assert max(waits) == timedelta(hours=8)
    assert rows[-1][2] == timedelta(days=3)
    assert waits[:-1] == sorted(waits[:-1])
    assert len(rows) == 18


@given(chance=st.floats(0, 1, exclude_max=True), failures=st.integers(1, 500))
def test_chance_moves_a_wait_by_a_fifth_at_most(chance: float, failures: int) -> None:
    schedule = RetrySchedule()
    middle, moved = schedule.wait(failures), schedule.wait(failures, chance)
    assert middle * 0.799 <= moved <= middle * 1.201


def test_what_fails_for_the_whole_time_is_given_up_and_never_tried_after_it() -> None:
    schedule = RetrySchedule(timedelta(seconds=5), timedelta(days=3))
    now, failures = NOW, 0
    while (following := schedule.next_attempt(NOW, failures + 1, now, 0.999)) is not None:
        assert now < following <= NOW + timedelta(days=3)
        now, failures = following, failures + 1
    assert now == NOW + timedelta(days=3), "the last attempt is made as the time is up"


def test_a_receiver_that_asks_to_wait_is_waited_for_and_not_beyond_the_end() -> None:
    schedule = RetrySchedule()
    asked = timedelta(hours=2)
    assert schedule.next_attempt(NOW, 1, NOW, 0.5, asked) == NOW + asked
    assert schedule.next_attempt(NOW, 1, NOW, 0.5, timedelta(seconds=1)) == NOW + timedelta(seconds=5)
    assert schedule.next_attempt(NOW, 1, NOW, 0.5, timedelta(days=30)) == NOW + timedelta(days=3)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta()),
        ("Wed, 15 Apr 2026 10:01:00 GMT", timedelta(seconds=60)),
        ("Wed, 15 Apr 2026 09:00:00 GMT", None),
        ("Wed, 15 Apr 2026 10:01:00", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("", None),
        (None, None),
        ("9" * 400, timedelta(seconds=10**8)),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_nonsense_is_nothing(
    header: str | None, expected: timedelta | None
) -> None:
    assert retry_after(header, lambda: NOW) == expected


def sent(receiver: Receiver, path: str = "/hook", *, times: int = 1, read_seconds: float = 2.0) -> list[Answer]:
    """What came of some attempts, one after the other."""

    async def attempts() -> list[Answer]:
        sender = Sender(1, read_seconds, allow_private=True)
        target = read_target(receiver.url + path, allow_private=True)
        answers = [await sender.post(target, {"webhook-id": "EVT-26-000001"}, b'{"a":1}') for _ in range(times)]
        await sender.aclose()
        return answers

    return asyncio.run(attempts())


def test_a_message_arrives_as_it_was_given() -> None:
    with receiving() as receiver:
        (answer,) = sent(receiver, "/hook?tenant=7")
    (message,) = receiver.messages
    assert answer.is_taken
    assert (answer.status, answer.error) == (204, "")
    assert (message.path, message.body) == ("/hook?tenant=7", b'{"a":1}')
    assert message.headers["content-type"] == "application/json"
    assert message.headers["host"] == receiver.url.removeprefix("http://")
    assert message.headers["webhook-id"] == "EVT-26-000001"


@pytest.mark.parametrize(("status", "taken"), [(200, True), (299, True), (304, False), (400, False), (503, False)])
def test_only_success_is_success(status: int, taken: bool) -> None:
    with receiving(lambda message: Reply(status)) as receiver:
        (answer,) = sent(receiver)
    assert (answer.status, answer.is_taken, answer.is_alive) == (status, taken, True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """Wherever it leads: here, to a place that would gladly take the message."""

    def answer(message: Message) -> Reply:
        return Reply(status, {"location": "/elsewhere"}) if message.path == "/hook" else Reply(204)

    with receiving(answer) as receiver:
        (got,) = sent(receiver)
    assert (got.status, got.is_taken) == (status, False)
    assert [m.path for m in receiver.messages] == ["/hook"]


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with receiving() as receiver:
        assert sent(receiver)[0].is_taken


def test_a_receiver_that_hangs_is_left_in_time() -> None:
    with receiving(lambda message: Reply(200, wait=2.0)) as receiver:
        (answer,) = sent(receiver, read_seconds=0.2)
    assert (answer.status, answer.error) == (None, "no answer in time")
    assert 200 <= answer.milliseconds < 1_900


def test_nobody_there_is_said_as_such() -> None:
    with receiving() as receiver:
        pass
    (answer,) = sent(receiver)
    assert answer.status is None
    assert answer.error


def test_a_long_answer_is_not_read_to_its_end_and_counts() -> None:
    with receiving(lambda message: Reply(200, body=b"x" * (MOST_OF_AN_ANSWER * 20))) as receiver:
        answers = sent(receiver, times=2)
    assert [a.is_taken for a in answers] == [True, True]


def test_how_long_to_wait_is_read_from_the_answer() -> None:
    with receiving(lambda message: Reply(503, {"Retry-After": "7"})) as receiver:
        assert sent(receiver)[0].retry_after == "7"


def test_a_resolver_that_hangs_or_knows_nobody_is_a_failure_like_others() -> None:
    async def hangs(host: str, port: int) -> Sequence[Address]:
        await asyncio.sleep(60)
        return [ip_address("8.8.8.8")]

    async def knows_nobody(host: str, port: int) -> Sequence[Address]:
        raise OSError("no such name")

    async def attempts() -> list[str]:
        errors = []
        for resolver in (hangs, knows_nobody):
            sender = Sender(0.1, 0.1, resolver=resolver)
            errors.append((await sender.post(read_target("https://example.com/"), {}, b"{}")).error)
            await sender.aclose()
        return errors

    assert asyncio.run(attempts()) == ["no connection in time", "the name example.com is not known"]
