"""What takes minutes on engines of its own, and runs when somebody asks for it."""

from __future__ import annotations

import os

import pytest

VARIABLE = "AXION_TEST_CLUSTER_FAULTS"


def asked_for(*, takes: str) -> pytest.MarkDecorator:
    """Return the mark of tests that run only with VARIABLE; `takes`: what they cost, as a clause."""
    return pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{takes}: {VARIABLE}=1 asks for it")
