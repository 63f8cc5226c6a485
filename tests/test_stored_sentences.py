"""What is stored or sent in English is recognised where it is shown, by pages and by their scripts alike."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.utils import translation

from agents.wording.pages import shown
from agents.wording.recognised import Sentences, Template
from axion_deploy.languages.stored_sentences import ALSO_STORED, LEFT_OUT, MODULES, sentences_in, stored_sentences

ROOT = Path(__file__).resolve().parent.parent
RUSSIAN = ROOT / "axion_deploy/locale/ru/LC_MESSAGES/stored.po"
KNOWN = {
    "Images ready.": "Images prêtes.",
    "{name} is down.": "{name} ne répond pas.",
    "The last {kind}, asked for by {who}, failed: {message}{end}": "{who}: {kind} a échoué: {message}",
    "{name} did not become healthy within {seconds} s.": "{name} malade après {seconds} s.",
    "Nothing was touched.": "Rien n'a changé.",
    "keeps restarting ({times}): it {how}": "redémarre ({times}): {how}",
    "exited with code {code}": "code {code}",
    "Volumes stay: {names}.": "Volumes gardés: {names}.",
    "No node {{node.{name}} is there": "Pas de nœud {{node.{name}}",
    "{a} of {b}": "never: it says too little",
    "{path} of the host": "{path} de l'hôte",
    "the graph": "le graphe",
    "{number} were described{more}.": "{number} décrits{more}.",
    "{name} has no value: give env.{name} or secret.{name}": "{name} sans valeur: env.{name}, secret.{name}",
    "Still down: {project} on {server}": "Encore: {project} sur {server}",
}
CASES = [
    ("", ""),
    ("Images ready.", "Images prêtes."),
    ("web is down.", "web ne répond pas."),
    # Of a name that looks like a field, and of one with signs that mean something to patterns.
    ("{name} is down.", "{name} ne répond pas."),
    ("$& (web) is down.", "$& (web) ne répond pas."),
    ("web keeps restarting (3 times): it exited with code 1.", "web redémarre (3 times): code 1."),
    (
        "The last deploy, asked for by nina, failed: web did not become healthy within 20 s. Nothing was touched.",
        "nina: deploy a échoué: web malade après 20 s. Rien n'a changé.",
    ),
    ("Docker said so. Nothing was touched.", "Docker said so. Rien n'a changé."),
    ("Nothing was touched. Docker said so.", "Rien n'a changé. Docker said so."),
    ("Volumes stay: data. Nothing was touched.", "Volumes gardés: data. Rien n'a changé."),
    ("No node {node.web} is there", "Pas de nœud {node.web}"),
    ("1 of 3", "1 of 3"),
    (" is down.", " is down."),
    ("what a person wrote", "what a person wrote"),
    ("A has no value: give env.A or secret.A", "A sans valeur: env.A, secret.A"),
    ("A has no value: give env.A or secret.B", "A has no value: give env.A or secret.B"),
    ("3 were described.", "3 décrits."),
    ("3 were described (cut).", "3 décrits (cut)."),
    # A phrase is one by itself, or as a value; not within what others wrote.
    ("/srv/shop of the host", "/srv/shop de l'hôte"),
    ("We moved the shop of the host", "We moved the shop of the host"),
    ("Why: shop of the host", "Why: shop of the host"),
    ("see shop of the host", "see shop of the host"),
    ("Why: the graph", "Why: the graph"),
    ("see the graph", "see the graph"),
    ("web exited with code 1.", "web code 1."),
    ("Nothing was touched. Look at: the graph", "Rien n'a changé. Look at: the graph"),
    # What others named is not ours to translate.
    ("Still down: the graph on Images ready.", "Encore: the graph sur Images ready."),
]


@pytest.mark.parametrize(("text", "said"), CASES)
def test_a_stored_sentence_is_recognised(text: str, said: str) -> None:
    assert Sentences(KNOWN).translated(text) == said


def test_scripts_recognise_what_pages_do() -> None:
    program = (
        "globalThis.document={documentElement:{lang:'fr'}};"
        "Object.defineProperty(globalThis,'navigator',{value:{languages:[]}});"
        f"globalThis.django={{stored:{json.dumps(KNOWN)}}};"
        "require('vm').runInThisContext(require('fs').readFileSync('templates/static/axion/words.js','utf8'));"
        f"console.log(JSON.stringify({json.dumps([text for text, _ in CASES])}.map(axionWords.shown)))"
    )
    done = subprocess.run(["node", "-e", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [said for _, said in CASES]


def test_a_long_text_costs_little() -> None:
    """Whoever writes such a message could otherwise keep a page busy."""
    found = Sentences(KNOWN)
    for text in ("web is down" * 400, "web is down. " * 300, "The last " * 400, "a " * 2000):
        assert isinstance(found.translated(text), str)
        assert found.translated.cache_info().currsize < 100
        found.translated.cache_clear()


def test_a_text_is_held_against_few_of_many_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"{number} of a kind: {{name}}": f"{{name}}: {number}" for number in range(10000, 12000)}
    found, tried = Sentences(known), list[str]()
    values_in = Template.values_in

    def counted(self: Template, text: str) -> dict[str, str] | None:
        tried.append(self.source)
        return values_in(self, text)

    monkeypatch.setattr(Template, "values_in", counted)
    assert found.translated("11999 of a kind: web") == "web: 11999"
    assert len(tried) == 1


def test_english_readers_get_what_is_stored() -> None:
    with translation.override("en"):
        assert shown("web is down.") == "web is down."


def test_every_sentence_that_is_stored_is_collected() -> None:
    """A new one of an incident, a state or a report fails here until `make messages`, then as not translated."""
    with RUSSIAN.open("rb") as source:
        known = {message.id for message in read_po(source, locale="ru")}
    missing = set(stored_sentences(ROOT)) - known
    assert not missing, f"run make messages and translate: {missing}"
    assert all((ROOT / name).exists() for name in {*MODULES, *ALSO_STORED, *LEFT_OUT})
    assert all(name.startswith(MODULES) for name in {*ALSO_STORED, *LEFT_OUT})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('say("All is well.")', ["All is well."]),
        (
            "say(f\"{service.name} is {'up' if up else 'down'} there.\")",
            ["{name} is up there.", "{name} is down there."],
        ),
        ('say(f"{a.name} runs {b.name} now.")', ["{name} runs {name_more} now."]),
        ('say(f"{_last(tail)} was the end of it")', ["{last} was the end of it"]),
        ('logger.info("not for people", why=f"{name} is not for people")', []),
        ('"""A promise of a module."""\ndef f():\n    """Return it."""', []),
        ('execute("SELECT one FROM rows")', []),
        ('KEY = "serverId"', []),
        ('say(f"{a} of {b}")', []),
        ('raise RuntimeError("a fault of our own")', []),
        ('Key(meaning="for the documentation", form=matching("a domain such as this"))', ["a domain such as this"]),
        ('start = f"node {script}"', []),
        ('say(sentence("Wrapped for pages."))', ["Wrapped for pages."]),
    ],
)
def test_what_counts_as_a_stored_sentence(source: str, said: list[str]) -> None:
    assert list(sentences_in(source)) == said


def test_what_pages_translate_already_is_not_collected_twice() -> None:
    source = 'say(sentence("Wrapped for pages."), f"{name} is not wrapped")'
    assert list(sentences_in(source, wrapped=False)) == ["{name} is not wrapped"]
