"""A receiver of webhooks in a process of its own: as fast as Python answers HTTP, as unreliable as it is told to be.

    python -m benchmarks.receiver PORT '{"secrets": {"/hook": "whsec_…"}, "fail": 0.3, "hang": 0.05, "late": 0.1}'

It checks each signature twice: by the library of Standard Webhooks, and by an HMAC of its own. `GET /report` tells what
came: by path, how many messages, which events, whether a signature was wrong, and whether within any engagement an
event came for the first time after a later one.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import random
import sys
from collections import Counter
from typing import Any

from standardwebhooks import Webhook

HANG_SECONDS = 60.0


class Seen:
    """What came at one path."""

    def __init__(self, secret: str | None) -> None:
        self.secret = secret
        self.library = Webhook(secret) if secret else None
        self.key = base64.b64decode(secret.removeprefix("whsec_")) if secret else b""
        self.messages = self.wrong = self.out_of_order = 0
        self.taken: set[str] = set()
        self.events: set[str] = set()
        self.last: dict[str, int] = {}

    def note(self, headers: dict[str, str], body: bytes) -> str:
        """Note one message; the event's id."""
        self.messages += 1
        id = headers["webhook-id"]
        if self.library and not (self._by_library(headers, body) and self._by_hand(headers, body)):
            self.wrong += 1
        if id not in self.events:
            event = json.loads(body)["data"]
            lane = event["request_id"] or event["subject"]["id"]
            self.out_of_order += event["sequence"] < self.last.get(lane, 0)
            self.last[lane] = max(event["sequence"], self.last.get(lane, 0))
            self.events.add(id)
        return id

    def _by_library(self, headers: dict[str, str], body: bytes) -> bool:
        assert self.library
        try:
            self.library.verify(body, headers, json_parse=False)
        except Exception:
            return False
        return True

    def _by_hand(self, headers: dict[str, str], body: bytes) -> bool:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mine = "v1," + base64.b64encode(hmac.new(self.key, signed, hashlib.sha256).digest()).decode()
        return mine in headers["webhook-signature"].split()

    def report(self) -> dict[str, Any]:
        """What came."""
        return {
            "messages": self.messages,
            "wrong_signatures": self.wrong,
            "out_of_order": self.out_of_order,
            "events": sorted(self.events),
            "taken": len(self.taken),
        }


class Receiver:
    """The server; `fates` are shares of 1 that fail, hang, and answer `late_seconds` later."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.seen = {path: Seen(secret) for path, secret in told.get("secrets", {}).items()}
        self.fail, self.hang, self.late = told.get("fail", 0.0), told.get("hang", 0.0), told.get("late", 0.0)
        self.late_seconds = told.get("late_seconds", 1.0)
        self.chance = random.Random(told.get("seed", 1))
        self.fates: Counter[str] = Counter()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes over one connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                path = head[0].split(" ")[1]
                if path == "/report":
                    told = {"fates": self.fates} | {path: seen.report() for path, seen in self.seen.items()}
                    self._answer(writer, 200, json.dumps(told).encode())
                else:
                    await self._receive(writer, path, headers, body)
                await writer.drain()
        writer.close()

    async def _receive(self, writer: asyncio.StreamWriter, path: str, headers: dict[str, str], body: bytes) -> None:
        seen = self.seen.setdefault(path, Seen(None))
        id = seen.note(headers, body)
        fate = self.chance.random()
        if fate < self.fail:
            self.fates["failed"] += 1
            self._answer(writer, 500)
        elif fate < self.fail + self.hang:
            self.fates["hung"] += 1
            await asyncio.sleep(HANG_SECONDS)
        else:
            if fate < self.fail + self.hang + self.late:
                self.fates["late"] += 1
                await asyncio.sleep(self.late_seconds)
            else:
                self.fates["answered"] += 1
                seen.taken.add(id)
            self._answer(writer, 204)

    @staticmethod
    def _answer(writer: asyncio.StreamWriter, status: int, body: bytes = b"") -> None:
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


async def serve(port: int, told: dict[str, Any]) -> None:
    """Answer until the process is ended."""
    server = await asyncio.start_server(Receiver(told).connection, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), json.loads(sys.argv[2])))
