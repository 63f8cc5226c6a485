"""`.env.example`: the variables whose values a person has to supply, by where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stackgen.results import Engine, Variable


def env_example(variables: Iterable[Variable], engine: Engine) -> str:
    """Return the file. Placeholders stand for values, so that it can be checked once copied to `.env`."""
    return "\n".join(_lines(list(variables), engine)) + "\n"


def _lines(variables: list[Variable], engine: Engine) -> Iterator[str]:
    yield "# Copy this file to .env and fill in the values; .env belongs to no version control."
    if engine == "swarm":
        yield "# `docker stack deploy` reads no .env: run `set -a; . ./.env; set +a` before it, in the same shell."
    yield "# A value in single quotes is taken as it is."
    for variable in variables:
        yield ""
        yield f"# {_meaning(variable)}"
        yield f"{variable.name}=change-me"


def _meaning(variable: Variable) -> str:
    # The key holds a node's id, which may be any text: written so that it stays on its line.
    key = ascii(variable.key)[1:-1]
    if variable.kind == "derived":
        return f"{key} again, percent-encoded for use in a URL."
    if variable.kind == "generated":
        return f"A long random password, the same from one deployment to the next ({key})."
    if variable.source == "node":
        return f"A variable of one node alone ({key})."
    return f"Given with the request as {key}." if variable.source == "env" else f"Given in the drawing ({key})."
