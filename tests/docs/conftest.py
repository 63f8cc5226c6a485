"""One build for all tests of the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.building import build_docs


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_docs(tmp_path_factory.mktemp("docs"))
