"""The enrolment token as one string."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agents.pki.tickets import PLAIN, MalformedTicket, Ticket, format_ticket, parse_ticket, pin_of, secret_in

PIN = pin_of(b"a certificate")
SECRET = "axe_" + "s" * 43


@pytest.mark.parametrize("pin", [PIN, "", PLAIN])
@pytest.mark.parametrize("address", ["deploy.example.org:50051", "127.0.0.1:1", "[2001:db8::1]:50051"])
def test_what_was_written_is_read(pin: str, address: str) -> None:
    text = format_ticket(secret=SECRET, pin=pin, address=address)
    assert parse_ticket(text) == Ticket(secret=SECRET, pin=pin, address=address)
    assert secret_in(text) == SECRET
    assert SECRET not in repr(parse_ticket(text))


def test_a_token_of_a_former_release_is_a_secret_alone() -> None:
    assert parse_ticket(SECRET) == Ticket(secret=SECRET)
    assert secret_in(SECRET) == SECRET


@pytest.mark.parametrize(
    "text",
    [
        f"{SECRET}.{PIN}",
        f"{SECRET}.{PIN}.",
        f"{SECRET}.{PIN[:-1]}.host:1",
        f"{SECRET}.{PIN}.host",
        f"{SECRET}.{PIN}.host:1; rm -rf",
        f"{SECRET}.{PIN}.ho st:1",
        f"{SECRET}.{PIN}.{'x' * 500}:1",
    ],
)
def test_one_that_is_not_whole_says_so_and_quotes_no_secret(text: str) -> None:
    with pytest.raises(MalformedTicket) as error:
        parse_ticket(text)
    assert SECRET not in str(error.value)


@given(some.text(max_size=80))
def test_anything_is_read_or_refused(text: str) -> None:
    with suppress(MalformedTicket):
        assert parse_ticket(text).secret == secret_in(text)
