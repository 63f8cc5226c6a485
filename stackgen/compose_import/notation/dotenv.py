"""Files of variables (`.env`, `env_file`): quotes, comments, several lines and variables, as Compose reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stackgen.compose_import.complaints import refused
from stackgen.compose_import.notation.interpolation import Template, TemplateError
from stackgen.compose_import.tree import Place

MAX_VARIABLES = 5_000
# Of all values together, as one may hold others several times over.
MAX_CHARACTERS = 4 * 1024 * 1024
_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z0-9_.\-\[\]]+)[ \t]*([=:]?)[ \t]*")
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "$": "$$",
    '"': '"',
    "\\": "\\",
}


def read_dotenv(*, file: str, text: str, values: Mapping[str, str], raw: bool = False) -> dict[str, str]:
    """Return the file's variables; `values` are those that texts in it may refer to beside the lines above.

    `raw` takes everything behind the `=` as it is. A name without a value takes it from `values`, or is left out.
    Raises ComposeInvalid naming file and line.
    """
    found: dict[str, str] = {}
    # Windows writes two characters where a line ends; of the value they are no part.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    index = size = 0
    while index < len(text):
        end = _line_end(text, index)
        line = text[index:end].strip()
        if not line or line.startswith("#"):
            index = end + 1
            continue
        place = Place(file, text.count("\n", 0, index) + 1)
        name = _NAME.match(text, index)
        if name is None or (not name[2] and text[name.end() : end].strip()):
            raise refused(place, "is no variable: NAME=value is wanted")
        index = _take(found, name, text, place, {**values, **found} if "$" in text else values, raw=raw)
        size += len(next(reversed(found.values()))) if found else 0
        if len(found) > MAX_VARIABLES or size > MAX_CHARACTERS:
            raise refused(place, f"has more than {MAX_VARIABLES} variables, or {MAX_CHARACTERS} characters in them")
    return found


def _take(
    found: dict[str, str], name: re.Match[str], text: str, place: Place, values: Mapping[str, str], *, raw: bool
) -> int:
    """Store the variable and return where the next line begins."""
    end = _line_end(text, name.end() - 1 if name[0].endswith("\n") else name.end())
    if not name[2]:
        if name[1] in values:
            found[name[1]] = values[name[1]]
        return end + 1
    if raw:
        found[name[1]] = text[name.end() : end]
        return end + 1
    quote = text[name.end() : name.end() + 1]
    if quote in {'"', "'"}:
        value, after = _quoted(text, name.end() + 1, quote, place)
        found[name[1]] = value if quote == "'" else _filled(_unescaped(value), values, place)
        return _line_end(text, after) + 1
    found[name[1]] = _filled(_without_comment(text[name.end() : end]), values, place)
    return end + 1


def _quoted(text: str, start: int, quote: str, place: Place) -> tuple[str, int]:
    """Return what stands between the quotes, over several lines too, and where it is over."""
    index = start
    while index < len(text):
        if text[index] == "\\" and index + 1 < len(text):
            index += 2
            continue
        if text[index] == quote:
            inner = text[start:index]
            return inner.replace("\\'", "'") if quote == "'" else inner, index + 1
        index += 1
    raise refused(place, "has a quote that is not closed")


def _without_comment(value: str) -> str:
    """Return an unquoted value up to a `#` behind a blank that follows something."""
    value = value.lstrip()
    start = 1
    while (found := value.find("#", start)) >= 0:
        if value[found - 1] in " \t":
            return value[:found].strip()
        start = found + 1
    return value.strip()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text, flags=re.DOTALL)


def _filled(text: str, values: Mapping[str, str], place: Place) -> str:
    try:
        return Template(values).fill(text)
    except TemplateError as error:
        raise refused(place, str(error)) from None


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end
