"""The real server in a thread of the tests, on the tests' database, and a browser's patience with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pytest
import uvicorn
from django.db import connections
from playwright.sync_api import Page, expect

from axion_deploy import web
from axion_deploy.asgi import application

T = TypeVar("T")
START_SECONDS = 15.0


@contextmanager
def served() -> Iterator[str]:
    """The address of a running server; it is stopped at the end."""
    server = uvicorn.Server(web.config(application, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def aside(work: Callable[[], T]) -> T:
    """Run `work` in a thread of its own: Playwright keeps an event loop in this one."""

    def and_close() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(and_close).result(timeout=30)


def look_at(page: Page, address: str) -> None:
    """Open a live page; Docker's new networks make Chromium drop what it loads, so a second try is fair."""
    for _ in range(4):
        page.goto(address)
        try:
            expect(page.locator("#ax-connection")).to_have_attribute("data-state", "live", timeout=5000)
        except AssertionError:
            continue
        return
    pytest.fail("the page never went live")
