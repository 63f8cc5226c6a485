"""manage.py collect_messages: bring the catalogues up to date with the sentences of code and templates."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.languages.stored_sentences import stored_sentences
from axion_deploy.languages.terminal_language import SpeakingCommand

_TEXT = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
# What Django makes of a template is not indented as Python is: only the calls count.
CALL = re.compile(rf"\b(?:_|gettext)\({_TEXT}\)|\bngettext\({_TEXT}, ?{_TEXT}, ?\w+\)", re.DOTALL)
LOCALES = Path("axion_deploy/locale")
CODE = ("axion_deploy", "deployments", "agents")
KEYWORDS: Any = {
    **dict.fromkeys(("sentence", "lazy", "gettext", "gettext_lazy", "_")),
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
OF_SCRIPTS: Any = {"gettext": None, "pieces": None, "ngettext": (1, 2)}


class Command(SpeakingCommand):
    help = lazy(
        "Collect the sentences of code and templates into axion_deploy/locale; needs what requirements.lock pins."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        root = Path(settings.BASE_DIR)
        catalogues = (
            ("django", collected(root)),
            ("djangojs", collected_of_scripts(root)),
            ("stored", collected_of_stored(root)),
        )
        for domain, template in catalogues:
            for language in ("en", "ru"):
                path = root / LOCALES / language / f"LC_MESSAGES/{domain}.po"
                number = bring_up_to_date(path, template, language)
                self.say(sentence("{path}: {number} sentences", path=path.relative_to(root), number=number))


def bring_up_to_date(path: Path, template: Catalog, language: str) -> int:
    """Write the catalogue with the sentences of the template and the translations that it has; return their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog = read_po(path.open("rb"), locale=language) if path.exists() else Catalog(locale=language)
    # A date that changes each time would make every two branches conflict.
    since = catalog.creation_date
    catalog.update(template, no_fuzzy_matching=True)
    catalog.creation_date = since
    catalog.fuzzy = False
    catalog.obsolete.clear()
    written = io.BytesIO()
    write_po(written, catalog, width=120, sort_output=True, no_location=True)
    path.write_bytes(written.getvalue())
    return len(catalog)


def collected(root: Path) -> Catalog:
    """Return every sentence of the code and the templates."""
    catalog = Catalog(charset="utf-8")
    for source in sources(root):
        for _line, message, comments, context in extract("python", source, keywords=KEYWORDS):
            catalog.add(message, auto_comments=comments, context=context)
    return catalog


def collected_of_scripts(root: Path) -> Catalog:
    """Return every sentence of the scripts of the pages."""
    catalog = Catalog(charset="utf-8")
    for path in sorted((root / "templates/static/axion").glob("*.js")):
        with path.open("rb") as source:
            options = {"template_string": True}
            for _line, message, comments, context in extract(
                "javascript", source, keywords=OF_SCRIPTS, options=options
            ):
                catalog.add(message, auto_comments=comments, context=context)
    return catalog


def collected_of_stored(root: Path) -> Catalog:
    """Return every sentence that is stored or sent in English and recognised where it is shown."""
    catalog = Catalog(charset="utf-8")
    for message in stored_sentences(root):
        catalog.add(message)
    return catalog


def sources(root: Path) -> Iterator[io.BytesIO]:
    """Yield what is Python, or reads like it."""
    for folder in CODE:
        for path in sorted((root / folder).rglob("*.py")):
            yield io.BytesIO(path.read_bytes())
    pages = (*(root / "templates").rglob("*.html"), *(root / "templates/registration").glob("*.txt"))
    for path in sorted(pages):
        if root / "templates/projects" not in path.parents:
            calls = CALL.findall(templatize(path.read_text(), origin=str(path)))
            yield io.BytesIO("\n".join(calls).encode())
