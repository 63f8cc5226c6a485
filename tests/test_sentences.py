"""Every sentence that people see stands where it can be translated."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.wording.sentences import sentence, translated
from axion_deploy.management.commands.collect_messages import collected_of_scripts

ROOT = Path(__file__).resolve().parent.parent
TOKEN = re.compile(
    r"(\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->|<[!/]?[a-zA-Z](?:[^<>{]|\{\{.*?\}\}|\{%.*?%\}|\{)*>)", re.DOTALL
)
SPOKEN = re.compile(r'\b(?:title|aria-label|placeholder|alt)="((?:[^"{]|\{\{.*?\}\}|\{%.*?%\})*)"', re.DOTALL)
IN_TAG = re.compile(r"""(?<!_\()(?:headline|default[:=]|yesno:)\s*=?\s*"([^"]*[A-Za-z]{2}[^"]*)\"""")
BLOCK = re.compile(r"\{% blocktranslate.*?\{% endblocktranslate %\}", re.DOTALL)
WORDS = re.compile(r"[A-Za-z]{2}")
# What is no sentence: names, and what a person types as it stands.
SAME_EVERYWHERE = {
    "Axion Deploy",
    "| Axion Deploy",
    "project.yaml",
    "nginx:1.29",
    "mail",
    "UTC",
    "DATABASE_URL",
    "region=eu tier=web",
}
# Elements whose text is for machines, or to be copied.
VERBATIM = {"script", "style", "pre", "code"}


def templates() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "templates/*.html", "templates/registration/*.txt"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split() if not name.startswith("templates/projects/")]


def unwrapped(source: str) -> Iterator[str]:
    """Yield texts and spoken attributes of a template that no translation reaches."""
    source = BLOCK.sub("", source)
    verbatim: list[str] = []
    for token in TOKEN.split(source):
        if token.startswith(("{%", "{{")):
            yield from IN_TAG.findall(token)
        elif token.startswith(("{#", "<!")):
            continue
        elif re.match(r"</?[a-zA-Z]", token):
            name = re.match(r"</?([a-zA-Z][\w-]*)", token)[1].lower()  # type: ignore[index]  # it matches
            icon = name == "span" and ("ax-icon" in token or "material-symbols" in token)
            if token.startswith("</"):
                if verbatim and verbatim[-1] == name:
                    verbatim.pop()
                continue
            if name in VERBATIM or icon:
                verbatim.append(name)
            for attribute in SPOKEN.findall(token):
                yield from _bare(re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", attribute))
        elif not verbatim:
            yield from _bare(token)


def _bare(text: str) -> Iterator[str]:
    text = " ".join(re.sub(r"&\w+;", "", text).split())
    if WORDS.search(text) and text not in SAME_EVERYWHERE:
        yield text


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_a_page_holds_no_sentence_that_cannot_be_translated(path: Path) -> None:
    found = list(unwrapped(path.read_text()))
    assert not found, f"{path.relative_to(ROOT)}: wrap in translate or blocktranslate: {found}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Never wrapped</p>", ["Never wrapped"]),
        ('<p>{% translate "Wrapped" %}</p>', []),
        ("{% if a %}half{% endif %}", ["half"]),
        ('<a title="Spoken {{ name }}">{{ name }}</a>', ["Spoken"]),
        ("{% blocktranslate %}All of <strong>it</strong>{% endblocktranslate %}", []),
        ('<span class="ax-icon">delete</span><code>make docs</code>', []),
        ('{% include "a.html" with headline="Not possible" %}{{ a|default:"none" }}', ["Not possible", "none"]),
        ('{% include "a.html" with headline=_("Not possible") %}{{ a|default:_("none") }}', []),
    ],
)
def test_what_counts_as_wrapped(source: str, found: list[str]) -> None:
    assert list(unwrapped(source)) == found


# Whose first argument is a sentence for people, by the module it is written in.
ERRORS = {
    "ValidationError",
    "Invalid",
    "Unauthenticated",
    "Forbidden",
    "NotFound",
    "Conflict",
    "PeerRefused",
    "TooMuch",
    "Unreachable",
    "CommandError",
}
# Of these every argument is read by people.
SPOKEN_IN_TERMINALS = {"say", "words", "in_words", "action"}
SHOWN = {"message_user", "success", "error", "warning", "info"}
NAMED = {
    "description",
    "label",
    "help_text",
    "help",
    "interrupted",
    "empty_title",
    "empty_hint",
    "verbose_name",
    "verbose_name_plural",
    "title",
    "said",
    "button",
}
# What these raise is written down in English beside a deployment: a job runs them, not a person's page.
IN_JOBS = {"deployments/services/lifecycle/prepare.py"}


def spoken_code() -> list[Path]:
    folders = (
        *("deployments/services", "deployments/admin", "deployments/models", "deployments/notifiers"),
        *("agents/admin", "agents/services", "agents/models"),
        *("axion_deploy/terminal", "axion_deploy/management", "axion_deploy/prefork/management"),
    )
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def is_bare(node: ast.expr | None) -> bool:
    """Tell whether a text with words in it stands there as it is."""
    if isinstance(node, ast.JoinedStr):
        return any(is_bare(value) for value in node.values)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(WORDS.search(node.value))


def bare_sentences(source: str) -> Iterator[int]:
    """Yield the lines where something is said to people that no catalogue can hold."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            of_messages = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in {"messages", "self"}
            told = node.args[:1] if name in ERRORS else node.args[1:2] if name in SHOWN and of_messages else []
            if name in SPOKEN_IN_TERMINALS:
                told = [each for each in node.args if not _is_code(each)]
            told += [keyword.value for keyword in node.keywords if keyword.arg in NAMED]
            yield from (node.lineno for each in told if is_bare(each))
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (value.lineno for key, value in pairs if _is_title(key) and is_bare(value))
        elif isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Choices") for base in node.bases):
            values = [each.value for each in node.body if isinstance(each, ast.Assign)]
            yield from (each.lineno for each in values if isinstance(each, ast.Tuple) and is_bare(each.elts[-1]))
        elif isinstance(node, ast.Assign):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if names & NAMED and is_bare(node.value):
                yield node.lineno


def _is_code(node: ast.expr) -> bool:
    """Tell whether a text is a word of a command, or columns in which each sentence is looked up by itself."""
    if isinstance(node, ast.JoinedStr):
        return not any(is_bare(value) for value in node.values if isinstance(value, ast.Constant))
    return isinstance(node, ast.Constant) and str(node.value).replace("_", "").isalpha()


def _is_title(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and key.value == "title"


@pytest.mark.parametrize("path", spoken_code(), ids=lambda path: path.name)
def test_code_says_nothing_that_cannot_be_translated(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    found = [] if name in IN_JOBS else list(bare_sentences(path.read_text()))
    assert not found, f"{name}: wrap in sentence, lazy or gettext: lines {found}"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('raise Invalid("Not good.")', [1]),
        ('raise Conflict(f"{name} is taken.")', [1]),
        ('raise Conflict(sentence("{name} is taken.", name=name))', []),
        ('messages.success(request, "Done.")\nself.message_user(request, gettext("Done."))', [1]),
        ('empty_title = "Nothing here"', [1]),
        ('context = {"title": "A page"}', [1]),
        ('class Kind(models.TextChoices):\n    ONE = "one", "The first"\n    TWO = "two", _("The second")', [2]),
        ('@display(description=lazy("Status"))\ndef status(): ...', []),
        ('screen.say("Nothing there.")\nscreen.say(sentence("Nothing there."))', [1]),
        ('screen.say(f"{name} was deleted.")\nscreen.say(f"{state:<9} {name}")', [1]),
        ('action("list", "List everybody.")\naction("list", _("List everybody."))', [1]),
        ('parser.add_argument("--most", help="How many.")', [1]),
        ('raise CommandError(f"{path} cannot be read.")', [1]),
        ('logger.info("not for people", x=1)', []),
    ],
)
def test_what_counts_as_said_to_people(source: str, lines: list[int]) -> None:
    assert list(bare_sentences(source)) == lines


SCRIPTS = sorted((ROOT / "templates/static/axion").glob("*.js"))
LOOKED_UP = {"gettext", "ngettext", "pieces"}
LOOKED_UP_TEXT = re.compile(r'\b(?:gettext|ngettext|pieces)\(\s*"([^"]+)"')
# What a script says to the browser, in the words of HTML, CSS or Intl.
PROPERTIES = {"class", "className", "d", "transform", "Accept", "viewBox", "rel", "method", "hour12", "style"}
MACHINES = {
    *("Enter", "Control+K Meta+K", "ArrowDown", "ArrowUp", "POST", "Accept", "DOMContentLoaded", "UTC", "Escape"),
    *("Content-Type", "signed out", "2-digit", "ArrowLeft", "ArrowRight", "Home", "End", "Tab"),
}
SCRIPT_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|`(?:\\.|[^`\\$]|\$(?!\{)|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\})*`|[\w$]+|\S",
    re.DOTALL,
)
SAID = re.compile(r"^[^a-z<#.]*[A-Z][a-z]+|[A-Za-z]{2,}[,:.…]? [a-z{]|[a-z]{3}…|^ ?[a-z]+ $|^ [a-z]+")


def said_by_script(source: str) -> Iterator[tuple[int, str]]:
    """Yield texts of a script that read like words and that no catalogue is asked for."""
    before: list[str] = []
    for match in SCRIPT_TOKEN.finditer(source):
        token = match[0]
        if token.startswith(("//", "/*")):
            continue
        if token[0] in "\"'`":
            text = _without_expressions(token[1:-1])
            named = before[-2] if before[-1:] == [":"] and len(before) > 1 else ""
            known = _asked(before) or named.strip("'\"") in PROPERTIES or text in MACHINES
            selector = before[-2:] in (
                [method, "("] for method in ("querySelector", "querySelectorAll", "closest", "matches")
            )
            if not known and not selector and not text.startswith(("ax-", "a[href]")) and SAID.search(text):
                yield source.count("\n", 0, match.start()) + 1, text
        before = [*before[-10:], token]


def _asked(before: list[str]) -> bool:
    """Tell whether the next text is a first argument, or the second of ngettext."""
    if before[-1:] == ["("]:
        return before[-2] in LOOKED_UP
    return before[-1:] == [","] and before[-4:-2] == ["ngettext", "("]


def _without_expressions(text: str) -> str:
    while (shorter := re.sub(r"\$\{[^{}]*\}|(?<=[:,(] )\{[^{}]*\}", "", text)) != text:
        text = shorter
    return text


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_nothing_that_cannot_be_translated(path: Path) -> None:
    source = path.read_text()
    found = list(said_by_script(source))
    assert not found, f"{path.relative_to(ROOT)}: wrap in gettext, ngettext or pieces: {found}"


def test_every_sentence_of_the_scripts_is_collected() -> None:
    """Not what stands within a template literal, or within the values of another sentence: those are not found."""
    asked = {text for path in SCRIPTS for text in LOOKED_UP_TEXT.findall(path.read_text())}
    known = {message.id if isinstance(message.id, str) else message.id[0] for message in collected_of_scripts(ROOT)}
    assert asked <= known, f"move out of literals and values of other sentences: {asked - known}"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('h("p", {}, "Never looked up")', ["Never looked up"]),
        ('h("p", { class: "ax-row ax wide" }, gettext("Looked up"))', []),
        ('ngettext("{count} server", "{count} servers", count)', []),
        ("`${count} servers left`", [" servers left"]),
        ('show("Waiting…")', ["Waiting…"]),
        ('h("p", {}, pieces("Deployed {it}", { it: link }), " by somebody")', [" by somebody"]),
        ('document.querySelector("div span")', []),
        ("`ax-code-${tone}`", []),
    ],
)
def test_what_counts_as_said_by_a_script(source: str, said: list[str]) -> None:
    assert [text for _line, text in said_by_script(source)] == said


def test_a_sentence_is_english_wherever_it_is_stored_and_the_readers_language_where_it_is_shown() -> None:
    said = sentence("{name} is taken by {who}.", name="shop", who=sentence("nobody"))
    assert (said, str(said), json.dumps({"detail": said})) == (
        "shop is taken by nobody.",
        "shop is taken by nobody.",
        '{"detail": "shop is taken by nobody."}',
    )
    words = {"{name} is taken by {who}.": "{who}: {name}", "nobody": "niemand"}
    assert translated(said, by=lambda text: words.get(text, text)) == "niemand: shop"
    assert translated("of an agent {x}", by=str.upper) == "of an agent {x}"
