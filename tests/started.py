"""A real server for tests: the one command of the README, on a free port, with a database and a clock of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from tests.databases import kept_url

ROOT = Path(__file__).resolve().parents[1]
ODS = "/v1/capabilities/ods"


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class StartedServer:
    """`streamlit run app.py` in a process of its own.

    Args:
        folder: where its database and its clock's file go; started again on the same folder, it finds them again.
        now: where its clock stands; None: the system's clock.
        options: further options of the command line, such as where the secrets are.
    """

    def __init__(
        self, folder: Path, now: datetime | None = None, *, options: Sequence[str] = (), **environment: str
    ) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.clock = folder / "clock"
        self.options = tuple(options)
        settings = {"ODS_DATABASE_URL": kept_url(folder), "ODS_DEMO": "0"}
        if now:
            self.move_to(now)
            settings["ODS_CLOCK"] = f"@{self.clock}"
        self.environment = os.environ | settings | environment
        self.process: subprocess.Popen[bytes] | None = None

    def move_to(self, now: datetime) -> None:
        """Move the server's clock."""
        # Put in place whole, since the server may read it at any moment.
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(now.isoformat(), encoding="utf-8")
        fresh.replace(self.clock)

    def start(self) -> StartedServer:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port), *self.options]
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        for _ in range(600):
            if self._answers():
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"the server did not come up:\n{self.log()}")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/v1/openapi.json", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to stop, or kill it, and wait until it is gone."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(20)

    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def client(self, **options: Any) -> httpx.Client:
        """A client of its ODS capability."""
        return httpx.Client(base_url=self.url + ODS, timeout=30, **options)


@contextmanager
def started(
    folder: Path, now: datetime | None = None, *, options: Sequence[str] = (), **environment: str
) -> Iterator[StartedServer]:
    """A server that runs for the length of the block."""
    server = StartedServer(folder, now, options=options, **environment)
    try:
        yield server.start()
    finally:
        server.stop()
