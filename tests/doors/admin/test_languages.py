"""Pages in the language of who reads them; what programs read and what is stored in English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from agents.models import Server
from agents.reports.update_rules import RolloutState, UpdateState
from agents.states import CommandKind
from agents.wording.pages import shown
from agents.wording.recognised import Sentences
from axion_deploy.menus import LIBRARY_WORDS
from deployments.admin import badges
from deployments.admin.teams.forgotten_views import EmailForm
from deployments.admin.views.cluster_views import CHANGE_WORDS
from deployments.data.cluster_types import ChangeKind, ChangeState
from deployments.data.installation_types import InstallationAction, InstallationState
from deployments.data.job_types import JobRunState
from deployments.data.notification_types import DeliveryState, MessageKind
from deployments.models import AuditEntry, User
from deployments.roles import GIVEN, ROLE_WORDS
from deployments.rules import notification_rules
from deployments.services.projects import new_project
from deployments.states import Kind
from stackgen.keys.jobs import OVERLAPS
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
def test_lists_examples_and_the_librarys_own_words_are_translated(people: People) -> None:
    there = reader(people, "ru")
    said = there.get("/admin/deployments/project/").content.decode()
    assert "Проекты | Axion Deploy" in " ".join(said.split())
    for words in ("Всего: 0", "Проектов пока нет"):
        assert words in said, words
    assert not [word for word in ("Type to search", ">Name<", "0 projects") if word in said]
    with translation.override("en"):
        english = [str(word) for word in LIBRARY_WORDS]
    with translation.override("ru"):
        untranslated = [word for word in english if translation.gettext(word) == word]
        untranslated += [each.about for each in new_project.examples() if translation.gettext(each.about) == each.about]
    assert not untranslated


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


STATES = (
    *(ChangeState, DeliveryState, InstallationAction, InstallationState, JobRunState, MessageKind),
    *(RolloutState, UpdateState),
)


@pytest.mark.usefixtures("russian")
def test_states_and_kinds_that_stand_alone_are_words_of_the_language() -> None:
    alone = [str(each) for states in STATES for each in states]
    alone += [*map(str, GIVEN), *(str(each) for each in Kind), *OVERLAPS, "set", "removed"]
    alone += ["manager", "worker", "ready", "down", "active", "drain", "reachable", "exited", "healthy", "restarting"]
    with translation.override("ru"):
        assert not [word for word in alone if shown(word) == word], "name it in agents/wording/state_words.py"
        for word in (*badges.COMMAND_KIND.values(), *CHANGE_WORDS.values(), *map(shown, ROLE_WORDS.values())):
            assert not str(word).isascii(), word
    assert set(badges.COMMAND_KIND) == set(CommandKind)
    assert set(CHANGE_WORDS) == set(ChangeKind)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The logs cannot be read with these options.", "С такими параметрами журналы прочитать нельзя."),
        ("box: its agent did not answer within 5 s.", "box: агент не ответил за 5 с."),
        ("The incident was muted.", "Уведомления об инциденте были приглушены."),
        ("image changed", "image: изменено"),
        ("2 copies become 3", "число копий: 2 → 3"),
        ("one copy at a time can have port 80 of the host", "порт 80 хоста может занять только одна копия сразу"),
        ("Test of Axion Deploy", "Пробное сообщение Axion Deploy"),
    ],
)
def test_what_is_stored_or_sent_in_english_is_shown_in_russian(text: str, said: str) -> None:
    with (CATALOGUE.parent / "stored.po").open("rb") as source:
        known = {str(each.id): str(each.string) for each in read_po(source, locale="ru") if each.id}
    assert Sentences(known).translated(text) == said


@pytest.mark.parametrize("domain", ["django", "djangojs", "stored"])
def test_the_russian_catalogue_is_whole(domain: str) -> None:
    """Every sentence is there, none a guess, each with the values and as many forms as it needs."""
    with (CATALOGUE.parent / f"{domain}.po").open("rb") as source:
        catalogue = read_po(source, locale="ru")
    messages = [message for message in catalogue if message.id]
    assert len(messages) > 190
    assert not list(catalogue.check()), "it does not compile"
    for message in messages:
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        assert not message.fuzzy, message.id
        assert len(forms) == (3 if len(sources) == 2 else 1), message.id
        assert all(forms), f"not translated: {message.id}"
        for form in map(str, forms):
            assert set(FIELD.findall(form)) == set(FIELD.findall(str(sources[-1]))), (message.id, form)


def test_scripts_speak_the_pages_language(people: People) -> None:
    """The catalogue of a page's scripts stands at an address that changes with it, and is kept by browsers."""
    answers = {}
    for language in ("en", "ru"):
        page = reader(people, language).get("/admin/").content.decode()
        address = re.search(rf'<script src="(/words/{language}-\w+\.js)"', page)
        assert address, "the page loads no sentences for its scripts"
        answers[language] = Client().get(address[1])
        assert "immutable" in answers[language]["Cache-Control"]
        assert "Content-Security-Policy" in answers[language]
        assert "Set-Cookie" not in answers[language]
    assert "no-cache" in Client().get("/words/ru-old.js")["Cache-Control"]


@pytest.mark.usefixtures("russian")
def test_a_person_chooses_a_language_over_the_browsers(people: People) -> None:
    there = reader(people, "en")
    assert there.post("/admin/language/", {"language": "xx"}).status_code == 200
    assert User.objects.get(pk=people.users["owner"].pk).language == ""
    told = there.post("/admin/language/", {"language": "ru"}, follow=True)
    assert "Язык сохранён." in told.content.decode()
    assert there.get("/admin/")["Content-Language"] == "ru"
    # Another browser of the same person, and the page to sign in of this one.
    assert reader(people, "en").get("/admin/")["Content-Language"] == "ru"
    there.logout()
    assert there.get("/admin/login/").status_code == 200
    with translation.override("en"):
        assert translation.gettext("Save") == "Save"


@pytest.mark.usefixtures("russian")
def test_messages_speak_the_language_of_their_person(people: People, mailoutbox: list[EmailMessage]) -> None:
    owner = people.users["owner"]
    User.objects.filter(pk=owner.pk).update(language="ru", email="owner@example.org")
    form = EmailForm({"email": "owner@example.org"})
    assert form.is_valid()
    form.save(
        domain_override="example.org",
        email_template_name="registration/forgotten_email.txt",
        subject_template_name="registration/forgotten_subject.txt",
    )
    assert mailoutbox[0].subject == "Новый пароль для Axion Deploy"
    assert "Если это были не вы" in mailoutbox[0].body
    content = {"type": "incident.closed", "data": {"cause": "gone", "projectName": "shop", "serverName": "box"}}
    with translation.override("ru"):
        told = notification_rules.title_of(content, by=translation.gettext)
    assert told == "Завершён: Не хватает контейнеров: shop на box"
    assert notification_rules.title_of(content) == "Over: Containers are missing: shop on box"
