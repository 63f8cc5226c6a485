"""What the pages say is there: commands, addresses, messages; and how they are served."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.test import Client
from django.urls import Resolver404, resolve
from pytest_django import Settings

from axion_deploy.content_policy import HEADER, STRICT
from tests.docs.building import PAGES, ROOT

TEXTS = {path.name: path.read_text() for path in sorted(PAGES.glob("*.md"))}
OTHERS = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")
DOCUMENTS = {**TEXTS, **{name: (ROOT / name).read_text() for name in OTHERS}}
PACKAGES = ("agents", "axion_deploy", "deployments", "stackgen")
# Parts of a message shorter than this could stand anywhere.
SHORTEST_PART = 6


def everywhere(pattern: str) -> set[str]:
    return {found for text in DOCUMENTS.values() for found in re.findall(pattern, text)}


def test_every_command_exists() -> None:
    assert everywhere(r"manage\.py ([a-z_]+)") - get_commands().keys() == set()


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert everywhere(r"`make ([a-z-]+)") - targets == set()


def leads_somewhere(path: str) -> bool:
    """With an id in place of ID; addresses below /api/ that lead nowhere have a view of their own."""
    try:
        return resolve(path.replace("ID", "00000000-0000-4000-8000-000000000000")).url_name != "api-nothing"
    except Resolver404:
        return False


def test_every_address_leads_somewhere() -> None:
    addresses = everywhere(r"[`/ A-Z](/(?:api|admin|docs|healthz)[\w/-]*)") | {
        f"/api{path}" for path in everywhere(r"\$AXION(/[\w/]+)")
    }
    assert len(addresses) > 10
    assert [path for path in sorted(addresses) if not leads_somewhere(path)] == []


def sentences() -> Iterator[str]:
    """All texts in our code; NUL stands for what is filled in."""
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
                yield "".join(str(part) for part in parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    yield (ROOT / "agents" / "distribution" / "install.sh").read_text()


def test_every_message_is_one_that_the_code_has() -> None:
    messages = re.findall(r"^### `(.+)`$", TEXTS["troubleshooting.md"], re.MULTILINE)
    texts = "\n".join(sentences())
    parts = {part for message in messages for part in message.split("…") if len(part) >= SHORTEST_PART}
    assert len(messages) > 50
    assert [part for part in sorted(parts) if part.strip() not in texts] == []


def test_pages_load_nothing_from_elsewhere_and_hold_no_script(built: Path) -> None:
    pages = [path.read_text() for path in built.rglob("*.html") if path.name != "404.html"]
    assert pages
    tags = re.compile(r"<(?:script|link|img)[^>]+(?:src|href)=\"?([^\s\">]+)")
    loaded = {address for page in pages for address in tags.findall(page)}
    assert [address for address in loaded if re.match(r"(https?:)?//", address)] == []
    assert [page for page in pages if re.search(r"<script>|\son\w+=", page)] == []


def test_the_built_pages_are_served(built: Path, settings: Settings) -> None:
    settings.DOCS_ROOT = built
    client = Client()
    first = client.get("/docs/")
    assert (first.status_code, first.headers["Content-Type"]) == (200, "text/html")
    assert first.headers[HEADER] == STRICT
    assert b"AXION_SECRET_KEY" in client.get("/docs/reference/settings.html").content
    again = client.get("/docs/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.post("/docs/").status_code == 405


@pytest.mark.parametrize(
    "path", ["nothing.html", "reference/", "../manage.py", "%2e%2e/%2e%2e/manage.py", "/etc/passwd", "a%00b"]
)
def test_nothing_else_is_served(built: Path, settings: Settings, path: str) -> None:
    settings.DOCS_ROOT = built
    assert Client().get(f"/docs/{path}").status_code == 404


def test_where_nothing_is_built_the_page_says_how(settings: Settings, tmp_path: Path) -> None:
    settings.DOCS_ROOT = tmp_path
    answer = Client().get("/docs/")
    assert answer.status_code == 404
    assert b"make docs" in answer.content


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_links_between_documents_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []
