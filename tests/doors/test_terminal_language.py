"""The terminal in the language of whoever typed: help, lines and errors; what scripts read stays English."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.core.management import CommandError, load_command_class
from pytest_django import Settings

from axion_deploy.languages.terminal_language import SpeakingCommand, terminal_language
from tests.doors.people import People

CATALOGUE = Path("axion_deploy/locale/ru/LC_MESSAGES/django.po")


@pytest.fixture
def russian(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile the catalogue, and be in a terminal of this language."""
    path = tmp_path / "ru/LC_MESSAGES/django.mo"
    path.parent.mkdir(parents=True)
    with CATALOGUE.open("rb") as source, path.open("wb") as compiled:
        write_mo(compiled, read_po(source, locale="ru"))
    settings.LOCALE_PATHS = [tmp_path]
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    # A command closes what it opened, which here is the test's own transaction.
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)


def run(command: str, *words: str) -> int:
    """Run it as `manage.py` would; return its exit code."""
    made: Any = load_command_class("axion_deploy", command)
    with pytest.raises(SystemExit) as ended:
        made.run_from_argv(["manage.py", command, *words])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("argv", "environ", "encoding", "language"),
    [
        ([], {}, "utf-8", "en"),
        ([], {"LANG": "ru_RU.UTF-8"}, "utf-8", "ru"),
        ([], {"LANG": "ru_RU.UTF-8", "LC_ALL": "C.UTF-8"}, "utf-8", "en"),
        ([], {"LANG": "de_DE.UTF-8"}, "utf-8", "en"),
        ([], {"LANG": "ru_RU"}, "ascii", "en"),
        ([], {"LANG": "ru"}, "no such encoding", "en"),
        ([], {"LANG": "ru"}, None, "en"),
        (["ps", "--language", "ru"], {"LANG": "C"}, "utf-8", "ru"),
        (["ps", "--language=en"], {"LANG": "ru_RU.UTF-8"}, "utf-8", "en"),
        (["ps", "--language"], {}, "utf-8", "en"),
    ],
)
def test_which_language_a_terminal_speaks(
    argv: list[str], environ: dict[str, str], encoding: str | None, language: str
) -> None:
    assert terminal_language(argv=argv, environ=environ, encoding=encoding) == language


@pytest.mark.django_db
@pytest.mark.usefixtures("russian")
def test_people_are_spoken_to_in_their_language_and_scripts_in_english(
    people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("deployments", "ps", "--user", "owner") == 0
    assert "Пока ничего не развёрнуто." in capsys.readouterr().out
    assert run("deployments", "ps", "--user", "owner", "--language", "en") == 0
    assert "Nothing has been deployed yet." in capsys.readouterr().out
    assert run("deployments", "ps", "nothing", "--user", "owner") == 3
    # A sentence of the use cases, said as an error.
    assert "Такого проекта нет." in capsys.readouterr().err
    assert run("deployments", "ps", "nothing", "--user", "owner", "--json") == 3
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said[0]["message"] == "No such project."


@pytest.mark.usefixtures("russian")
def test_help_is_in_the_language_of_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("deployments", "status", "--help") == 0
    told = capsys.readouterr().out
    assert "Показать состояние развёртывания" in told
    assert "коды завершения:" in told
    assert run("run_web", "--help") == 0
    assert "Обслуживать страницы" in capsys.readouterr().out
    assert run("run_web", "--help", "--language", "en") == 0
    assert "Serve pages" in capsys.readouterr().out


@pytest.mark.usefixtures("russian")
def test_a_commands_error_is_in_the_language_of_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run_web", "--bind", "nowhere") == 1
    assert "--bind nowhere: укажите HOST:PORT." in capsys.readouterr().err


def test_called_by_a_program_a_command_says_english() -> None:
    made = load_command_class("axion_deploy", "run_web")
    assert isinstance(made, SpeakingCommand)
    with pytest.raises(CommandError, match="write HOST:PORT"):
        made.execute(bind="nowhere", force_color=False, no_color=False, skip_checks=True)
