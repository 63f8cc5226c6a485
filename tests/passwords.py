"""A fixture that the `conftest.py` of several parts imports."""

from __future__ import annotations

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hash passwords quickly in the parts that import this: the real hasher costs a second for each user.

    Not for tests that sign in at other processes: those know only the real hashers.
    """
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
