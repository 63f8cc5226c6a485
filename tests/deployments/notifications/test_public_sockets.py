"""Code that sends to addresses of users connects to public addresses alone, and reads nothing of ours."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from deployments.notifiers.public_sockets import NotAllowed, is_public, public_only
from tests.deployments.notifications.receivers import http_receiver


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("localhost", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_connection_is_judged_by_its_address_when_it_is_made() -> None:
    with http_receiver() as inbox:
        address = ("127.0.0.1", inbox.port)
        with pytest.raises(NotAllowed), public_only(allowed_hosts=()):
            socket.create_connection(address, timeout=30)
        with pytest.raises(NotAllowed), public_only(allowed_hosts=["127.0.0.1:1"]):
            socket.create_connection(("localhost", inbox.port), timeout=30)
        for name in (f"localhost:{inbox.port}", "localhost", "127.0.0.1"):
            with public_only(allowed_hosts=[name]):
                socket.create_connection(address, timeout=30).close()
        # Outside, and in other threads, nothing is held back.
        socket.create_connection(address, timeout=30).close()


def test_what_a_library_swallows_is_told_all_the_same(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    for act in (
        secret.read_text,
        lambda: secret.write_text("y"),
        lambda: subprocess.run(["true"], check=True),
        lambda: threading.Thread(target=print).start(),
    ):
        with pytest.raises(NotAllowed), public_only(allowed_hosts=()), contextlib.suppress(OSError):
            act()
    assert secret.read_text() == "x"


def test_what_lies_beside_the_readable_is_not_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.pem"
    beside = tmp_path / "bundle.pem.key"
    for each in (bundle, beside):
        each.write_text("x")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with public_only(allowed_hosts=()):
        assert bundle.read_text() == "x"
    for key in (beside, Path("/etc/ssl/private/server.key")):
        with pytest.raises(NotAllowed), public_only(allowed_hosts=()), contextlib.suppress(OSError):
            key.read_text()
