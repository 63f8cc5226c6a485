"""A tenant's application answers on another port of the host that the admin is reached by. Run against the owner."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from channels.db import database_sync_to_async
from django.conf import settings as installed
from django.contrib.sessions.models import Session
from django.test import RequestFactory
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.fixtures import Settings

from axion_deploy import health_pages
from axion_deploy.demo.checks import Sample
from deployments.consumers.origins import is_ours
from deployments.models import Deployment
from deployments.services.permissions import freshness
from tests.doors.conftest import sign_in
from tests.doors.people import People
from tests.doors.sockets import Socket, close_connections

ROOT = Path(__file__).resolve().parents[3]


class Tenant(ThreadingHTTPServer):
    """Notes the cookies that browsers send to it."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        super().__init__(("", 0), TenantHandler)


class TenantHandler(BaseHTTPRequestHandler):
    server: Tenant

    def do_GET(self) -> None:
        # A page's icon is asked for some time after the page.
        if self.path == "/":
            self.server.sent.append(self.headers.get("Cookie", ""))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def tenant() -> Iterator[Tenant]:
    server = Tenant()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def test_the_link_to_the_demos_sample_takes_no_cookie_along(
    tenant: Tenant, browser: Browser, people: People, address: str
) -> None:
    context = browser.new_context()
    sign_in(context, people=people, name="root", address=address)
    page = context.new_page()
    sample = Sample(url=f"http://127.0.0.1:{tenant.server_port}")
    page.goto(sample.url)
    assert installed.SESSION_COOKIE_NAME in tenant.sent[0], "browsers do this, whatever the port"
    tenant.sent.clear()
    page.goto(sample.link)
    assert tenant.sent[0] == ""
    context.close()


PAGE = "http://deploy.example:8000"


@pytest.mark.parametrize(
    ("origin", "host", "secure", "welcome"),
    [
        (PAGE, "deploy.example:8000", False, True),
        ("http://deploy.example:18901", "deploy.example:8000", False, False),
        ("https://deploy.example:8000", "deploy.example:8000", False, False),
        ("http://deploy.example", "deploy.example:8000", False, False),
        ("http://deploy.example", "deploy.example:80", False, True),
        ("https://deploy.example", "deploy.example", True, True),
        ("http://deploy.example", "deploy.example", True, False),
        ("https://deploy.example:443", "deploy.example", True, True),
        ("http://evil.example", "evil.example", False, False),
        ("https://ui.trusted.example", "deploy.example:8000", False, True),
        ("https://a.below.example:444", "deploy.example:8000", False, True),
        ("https://below.example:444", "deploy.example:8000", False, False),
        ("https://a.below.example", "deploy.example:8000", False, False),
        ("null", "deploy.example:8000", False, False),
        ("", "deploy.example:8000", False, False),
        ("http://deploy.example:8000/path", "deploy.example:8000", False, False),
        ("http://deploy.example:99999", "deploy.example:99999", False, False),
        ("http://[::1]:8000", "[::1]:8000", False, True),
        ("http://[::1", "[::1", False, False),
        ("http://x@deploy.example:8000", "deploy.example:8000", False, False),
    ],
)
def test_sockets_are_opened_by_pages_of_the_same_origin(
    settings: Settings, origin: str, host: str, secure: bool, welcome: bool
) -> None:
    settings.ALLOWED_HOSTS = ["deploy.example", "[::1]"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://ui.trusted.example", "https://*.below.example:444"]
    assert is_ours(origin=origin, host=host, secure=secure) is welcome


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("port", "welcome"), [(8000, True), (18901, False)])
async def test_another_port_of_the_same_host_is_a_strangers_page(
    people: People, deployment: Deployment, port: int, welcome: bool
) -> None:
    browser = await database_sync_to_async(people.browser)("owner")
    cookie = f"{installed.SESSION_COOKIE_NAME}={browser.cookies[installed.SESSION_COOKIE_NAME].value}"
    headers = {"Cookie": cookie, "Host": "localhost:8000", "Origin": f"http://localhost:{port}"}
    socket = Socket(f"/ws/deployments/{deployment.id}/", headers=headers)
    assert (await socket.open())[0] is welcome
    await socket.close()
    await close_connections()


PRODUCTION = {
    "AXION_BEHIND_TLS": "on",
    "AXION_DEBUG": "off",
    "AXION_ALLOWED_HOSTS": "deploy.example",
    "AXION_SECRET_KEY": "kR8-vq2LxwZp0Yt6NsB4uEhJm7CdFgAi3OyXeQnWzTrSbUoVlP",
    "AXION_TRUSTED_PROXIES": "127.0.0.1",
}


def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    environment = {**os.environ, **PRODUCTION}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_deploy_check_has_nothing_to_say() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


BEHIND_TLS = """
from django.test import Client
plain = Client().get("/admin/login/", headers={"Host": "deploy.example"})
print(plain.status_code, plain.headers["Location"])
secure = Client().get("/admin/login/", headers={"Host": "deploy.example", "X-Forwarded-Proto": "https"})
print(secure.status_code, secure.headers["Strict-Transport-Security"])
for cookie in secure.cookies.values():
    print(cookie.key.startswith("__Host-axion-"), cookie["secure"], cookie["path"], repr(cookie["domain"]))
"""


def test_behind_tls_everything_goes_by_tls() -> None:
    done = manage("shell", "-c", BEHIND_TLS)
    said = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert "301 https://deploy.example/admin/login/" in said
    assert "200 max-age=31536000" in said
    assert "True True / ''" in said


@pytest.mark.django_db
def test_a_sign_in_ends_when_it_is_not_used_and_goes_on_when_it_is(people: People) -> None:
    browser = people.browser("owner")
    key = browser.session.session_key
    left = Session.objects.get(pk=key).expire_date - timezone.now()
    assert timedelta(hours=11) < left <= timedelta(hours=12)
    Session.objects.filter(pk=key).update(expire_date=timezone.now() + timedelta(minutes=5))
    session = browser.session
    session[freshness.SEEN] = int(time.time()) - 2 * 3600
    session.set_expiry(300)
    session.save()
    session = browser.session
    del session["_session_expiry"]
    session.save()
    answer = browser.get("/admin/")
    assert installed.SESSION_COOKIE_NAME in answer.cookies
    assert Session.objects.get(pk=key).expire_date - timezone.now() > timedelta(hours=11)
    assert installed.SESSION_COOKIE_NAME not in browser.get("/admin/").cookies, "not with each request"
    Session.objects.filter(pk=key).update(expire_date=timezone.now())
    assert browser.get("/admin/").status_code == 302


def test_health_is_worked_out_a_few_times_a_second_and_an_address_may_ask_so_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health_pages, "time", SimpleNamespace(monotonic=lambda: 1000.5))
    counted: list[int] = []

    def work_out() -> dict[str, int]:
        counted.append(1)
        return {"times": len(counted)}

    door = health_pages.Bounded(work_out)

    def ask(address: str) -> int:
        return door(RequestFactory(REMOTE_ADDR=address).get("/healthz")).status_code

    answers = [ask("192.0.2.1") for _ in range(health_pages.MAX_OF_ADDRESS + 5)]
    assert answers == [200] * health_pages.MAX_OF_ADDRESS + [429] * 5
    assert ask("192.0.2.2") == 200
    assert len(counted) == health_pages.MAX_FRESH
