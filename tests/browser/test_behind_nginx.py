"""Two servers on one PostgreSQL behind a real nginx, as the documentation configures it: pages, calls, a kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.api.conftest import request_body
from tests.browser.person import Person
from tests.databases import postgres_url
from tests.started import ODS, ROOT, StartedServer, free_port
from tests.webhooks.receiver import until

pytestmark = pytest.mark.browser

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
EXAMPLE = ROOT / "docs" / "nginx" / "ods.conf"
AROUND = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    log_format served '$upstream_addr $status $request_uri';
    access_log {folder}/access.log served;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{example}
}}
"""


@dataclass
class House:
    """What stands behind the one address."""

    url: str
    folder: Path
    servers: list[StartedServer]

    def served(self) -> list[tuple[str, int, str]]:
        """What was passed on: to which server, how it was answered, which path; a second server is named behind it."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return [(line.rsplit(" ", 2)[0], int(line.split(" ")[-2]), line.split(" ")[-1]) for line in lines]

    def in_use(self) -> StartedServer:
        """The one that this machine's calls go to."""
        httpx.get(f"{self.url}/v1/health", timeout=30)
        address = self.served()[-1][0]
        return next(server for server in self.servers if address.endswith(f":{server.port}"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Two servers and nginx in front of them, with the ports of the example changed and nothing else."""
    if NGINX is None:
        if os.environ.get("ODS_TEST_BROWSER") == "required":
            pytest.fail("no nginx on this machine, and ODS_TEST_BROWSER=required")
        pytest.skip("no nginx on this machine: apt-get install nginx")
    folder, port, database = tmp_path_factory.mktemp("nginx"), free_port(), postgres_url()
    servers = [StartedServer(tmp_path_factory.mktemp(name), ODS_DATABASE_URL=database) for name in ("one", "two")]
    example = EXAMPLE.read_text(encoding="utf-8").replace("listen 80;", f"listen 127.0.0.1:{port};")
    for shown, server in zip(("8501", "8502"), servers, strict=True):
        example = example.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{server.port}")
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, example=example), encoding="utf-8")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(StartedServer.start, servers))
    nginx = subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-g", "daemon off;"])
    time.sleep(0.5)
    assert nginx.poll() is None, (folder / "error.log").read_text()
    yield House(f"http://127.0.0.1:{port}", folder, servers)
    nginx.terminate()
    nginx.wait(20)
    for server in servers:
        server.stop()


def ask(house: House, title: str) -> str:
    """Ask for an outcome through nginx; its id."""
    answer = httpx.post(f"{house.url}{ODS}/requests", json=request_body(title=title), timeout=60)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


def test_pages_and_calls_pass_and_a_browser_stays_with_one_server(house: House, page: Page) -> None:
    """A page is a websocket: it opens, draws, and hears of what a program does at the other server."""
    person = Person(page, house.url)
    person.open("requests", "delivery_lead")
    other = next(server for server in house.servers if server is not house.in_use())
    with other.client() as api:
        assert api.post("/requests", json=request_body(title="From the other server")).status_code == 201
    expect(page.get_by_text("From the other server").first).to_be_visible()
    ask(house, "Through nginx")
    expect(page.get_by_text("Through nginx").first).to_be_visible()
    assert len({address for address, _, _ in house.served()}) == 1, "all of it went to one server"
    export = httpx.get(f"{house.url}{ODS}/payments.csv", timeout=60)
    assert (export.status_code, export.headers["content-type"].split(";")[0]) == (200, "text/csv")
    page.close()
    until(lambda: any(status == 101 for _, status, _ in house.served()))


def test_one_is_killed_and_the_page_goes_on_at_the_other(house: House, page: Page) -> None:
    """Nothing that was acknowledged is lost, and what stands in the address is shown again."""
    id = ask(house, "Survives a kill")
    person = Person(page, house.url)
    person.open("requests", "delivery_lead", request=id)
    expect(page.get_by_text("Survives a kill").first).to_be_visible()
    dead = house.in_use()
    dead.stop(signal.SIGKILL)
    assert httpx.get(f"{house.url}{ODS}/requests/{id}", timeout=60).status_code == 200
    assert house.in_use() is not dead
    ask(house, "Asked of the one that is left")
    page.reload()
    person.settle()
    expect(page.get_by_text("Survives a kill").first).to_be_visible()
