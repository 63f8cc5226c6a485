"""Values at rest."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from deployments.encryption import CannotUnsealError, seal, seal_mapping, unseal, unseal_mapping

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.AXION_ENCRYPTION_KEYS = {1: OLD}


def test_what_was_sealed_opens_again() -> None:
    assert unseal(sealed=seal(value="pässword $", context="a"), context="a") == "pässword $"


def test_the_same_value_is_never_sealed_the_same_way() -> None:
    assert seal(value="x", context="a") != seal(value="x", context="a")


def test_a_sealed_value_does_not_open_elsewhere() -> None:
    with pytest.raises(CannotUnsealError):
        unseal(sealed=seal(value="x", context="a"), context="b")


def test_a_tampered_value_does_not_open() -> None:
    sealed = seal(value="x", context="a")
    with pytest.raises(CannotUnsealError):
        unseal(sealed=sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB"), context="a")


def test_old_values_open_after_a_rotation_and_new_ones_take_the_new_key(settings: Settings) -> None:
    old = seal(value="x", context="a")
    settings.AXION_ENCRYPTION_KEYS = {1: OLD, 2: NEW}
    assert unseal(sealed=old, context="a") == "x"
    assert seal(value="x", context="a").startswith("2:")


def test_a_missing_key_is_named_by_its_version(settings: Settings) -> None:
    sealed = seal(value="x", context="a")
    settings.AXION_ENCRYPTION_KEYS = {2: NEW}
    with pytest.raises(CannotUnsealError, match="version '1'"):
        unseal(sealed=sealed, context="a")


def test_a_mapping_opens_again() -> None:
    assert unseal_mapping(sealed=seal_mapping(values={"A": "1"}, context="a"), context="a") == {"A": "1"}
    assert unseal_mapping(sealed="", context="a") == {}
