"""Pages in the language of who reads them; what programs read and what is stored in English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.test import Client
from pytest_django import Settings

from agents.models import Server
from deployments.models import AuditEntry
from tests.doors.people import People

pytestmark = pytest.mark.django_db
CATALOGUE = Path("axion_deploy/locale/ru/LC_MESSAGES/django.po")
FIELD = re.compile(r"%\(\w+\)s|\{\w+[^}]*\}")


@pytest.fixture
def russian(settings: Settings, tmp_path: Path) -> None:
    """Compile the catalogue, as `make setup` and the image do."""
    path = tmp_path / "ru/LC_MESSAGES/django.mo"
    path.parent.mkdir(parents=True)
    with CATALOGUE.open("rb") as source, path.open("wb") as compiled:
        write_mo(compiled, read_po(source, locale="ru"))
    settings.LOCALE_PATHS = [tmp_path]


def reader(people: People, language: str) -> Client:
    browser = people.browser("owner")
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    return browser


@pytest.mark.usefixtures("russian")
def test_pages_speak_the_readers_language(people: People) -> None:
    there = reader(people, "ru-RU,ru;q=0.9")
    first = there.get("/admin/")
    assert first["Content-Language"] == "ru"
    assert '<html lang="ru"' in first.content.decode()
    assert "Последние развёртывания" in first.content.decode()
    assert '"label": "Успешно"' in first.content.decode().encode().decode(
        "unicode_escape", "ignore"
    ) or "Успешно" in str(first.context["state"]["badges"]["result"]["succeeded"]["label"])
    assert "Начать с примера" in there.get("/admin/deployments/project/new/").content.decode()
    assert "Recent deployments" in reader(people, "en-GB").get("/admin/").content.decode()
    assert "Recent deployments" in people.browser("owner").get("/admin/").content.decode()


@pytest.mark.usefixtures("russian")
def test_programs_and_what_is_stored_stay_english(people: People) -> None:
    there = reader(people, "ru")
    answer = there.get("/api/deployments/00000000-0000-0000-0000-000000000000")
    assert "Content-Language" not in answer
    assert answer.json()["detail"].isascii()
    there.post("/admin/agents/server/add/", {"name": "box", "host": "box.example", "port": 22, "username": "root"})
    server = Server.objects.get(name="box")
    told = AuditEntry.objects.filter(server_id=server.pk).values_list("detail", flat=True)
    assert list(told) == ["server box"]


def test_translations_fill_in_what_their_sentences_do() -> None:
    with CATALOGUE.open("rb") as source:
        wrong = [
            message.id
            for message in read_po(source, locale="ru")
            if isinstance(message.id, str)
            and message.id
            and message.string
            and set(FIELD.findall(message.id)) != set(FIELD.findall(str(message.string)))
        ]
    assert not wrong
