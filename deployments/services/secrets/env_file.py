"""Reading a .env file as other tools do: quotes, spaces, comments, `export`, values of several lines.

`${NAME}` in a value stays as it is written: what it would mean depends on the machine where the file is read.
"""

from __future__ import annotations

from io import StringIO

from dotenv.parser import Binding, parse_stream

from agents.wording.sentences import sentence
from deployments.errors import Invalid

MAX_FILE_BYTES = 1024 * 1024
MAX_NAMED = 20


def read_env_file(text: str, *, field: str = "file") -> dict[str, str]:
    """Return the values by name; of a name that is given twice the last one.

    Raises Invalid with the number of each line that cannot be read and of each name without a value. Never repeats a
    value, and takes nothing of a file that has such a line.
    """
    if len(text.encode()) > MAX_FILE_BYTES:
        raise Invalid(sentence("The file is larger than 1 MiB."), details={field: sentence("larger than 1 MiB")})
    found: dict[str, str] = {}
    wrong: list[str] = []
    for binding in parse_stream(StringIO(text.removeprefix("\ufeff"))):
        if binding.error or (binding.key is not None and binding.value is None):
            wrong.append(str(_line_of(binding)))
        elif binding.key is not None and binding.value is not None:
            found[binding.key] = binding.value
    if wrong:
        lines = ", ".join(wrong[:MAX_NAMED])
        raise Invalid(
            sentence(
                "Nothing was taken: line {lines} of the file is not NAME=VALUE, or a quote in it does not end.",
                lines=lines,
            ),
            details={field: sentence("line {lines} cannot be read", lines=lines)},
        )
    return found


def written_names(names: list[str]) -> str:
    """Return a file that names these variables and holds no value."""
    return "".join(f"{name}=\n" for name in names)


def _line_of(binding: Binding) -> int:
    """Return the line where its text begins: blank lines before it belong to it for the parser."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
