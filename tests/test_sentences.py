"""Every sentence that people see stands where it can be translated."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOKEN = re.compile(
    r"(\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->|<[!/]?[a-zA-Z](?:[^<>{]|\{\{.*?\}\}|\{%.*?%\}|\{)*>)", re.DOTALL
)
SPOKEN = re.compile(r'\b(?:title|aria-label|placeholder|alt)="((?:[^"{]|\{\{.*?\}\}|\{%.*?%\})*)"', re.DOTALL)
IN_TAG = re.compile(r"""(?<!_\()(?:headline|default[:=]|yesno:)\s*=?\s*"([^"]*[A-Za-z]{2}[^"]*)\"""")
BLOCK = re.compile(r"\{% blocktranslate.*?\{% endblocktranslate %\}", re.DOTALL)
WORDS = re.compile(r"[A-Za-z]{2}")
# What is no sentence: names, and what a person types as it stands.
SAME_EVERYWHERE = {"Axion Deploy", "| Axion Deploy", "project.yaml", "nginx:1.29", "mail", "UTC", "DATABASE_URL"}
# Elements whose text is for machines, or to be copied.
VERBATIM = {"script", "style", "pre", "code"}


def templates() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "templates/*.html"],
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
