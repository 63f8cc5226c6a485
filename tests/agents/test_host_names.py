"""What may stand as the host of a server."""

from __future__ import annotations

import pytest

from agents.services.host_names import is_host


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.9",
        "2001:db8::7",
        "[2001:db8::7]",
        "box",
        "box-1.example.org",
        "xn--bcher-kva.example",
        "box.",
        "my_box",
        "1a",
    ],
)
def test_names_and_addresses_are_hosts(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize(
    "text",
    ["10.0.0.999", "10.0.0", "7", "a b", "http://box", "box:22", "-box", "a..b", ".box", "me@box", "box/x", "a" * 64,
     ".".join(["abcdefg"] * 40), "box\n", "[box]", "10.0.0.9.", "бокс"],
)  # fmt: skip
def test_what_nobody_can_open_is_none(text: str) -> None:
    assert not is_host(text)
