"""The OpenAPI document speaks to those who call the API: each operation has a summary and a description of its own."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from deployments.api.descriptions import DESCRIPTIONS


@pytest.fixture(scope="module")
def document() -> Any:
    generator: Any = SchemaGenerator
    return generator().get_schema(request=None, public=True)


def operations(document: Any) -> list[dict[str, Any]]:
    return [each for path in document["paths"].values() for method, each in path.items() if method != "parameters"]


def test_no_operation_lacks_a_summary_or_a_description(document: Any) -> None:
    lacking = {
        each["operationId"]
        for each in operations(document)
        if not each.get("summary") or each.get("description", "") in {"", each["summary"]}
    }
    assert not lacking, "say in deployments/api/descriptions.py what these do"


def test_nothing_is_described_that_is_not_there(document: Any) -> None:
    assert set(DESCRIPTIONS) <= {each["operationId"] for each in operations(document)}


def test_the_introduction_says_how_to_sign_in_page_wait_and_read_errors(document: Any) -> None:
    text = document["info"]["description"]
    assert [
        word for word in ("Bearer", "`page`", "Wait for a deployment", "409", "Retry-After") if word not in text
    ] == []
