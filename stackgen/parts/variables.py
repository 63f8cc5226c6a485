"""Which values a stack needs, and the values themselves once somebody supplies them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from urllib.parse import quote

from stackgen.errors import VariablesMissing
from stackgen.graph.secrets import secret_key
from stackgen.parts.names import short_hash, variable_name
from stackgen.results import Stack, Variable

__all__ = ["VariableNames", "VariablesMissing", "resolve"]

USE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
TRANSFORMS: Mapping[str, Callable[[str], str]] = {"": str, "urlencode": lambda text: quote(text, safe="")}


def resolve(*, stack: Stack, env: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """Return every variable of the stack with its value. The result is secret.

    `env` holds the request's envVars and, by "<node id>.<name>", those of single nodes, `secrets` the project's kept
    values by key. Raises VariablesMissing with all variables that have none.
    """
    values: dict[str, str] = {}
    missing: list[Variable] = []
    for variable in sorted(stack.variables, key=lambda variable: variable.source == "variable"):
        known = {"env": env, "node": env, "secret": secrets, "variable": values}[variable.source]
        if variable.key in known:
            values[variable.name] = TRANSFORMS[variable.transform](known[variable.key])
        elif variable.source != "variable":
            missing.append(variable)
    if missing:
        raise VariablesMissing({variable.name: variable.key for variable in missing})
    return {variable.name: values[variable.name] for variable in stack.variables}


class VariableNames:
    """Gives every value its one name in the compose file, and remembers which values are used.

    All names begin with ENV_ or SECRET_: the values travel in the environment of `docker compose`, where a bare name
    such as DOCKER_HOST or PATH would steer the program itself.
    """

    def __init__(self) -> None:
        self._variables: dict[str, Variable] = {}

    def of_request(self, name: str) -> str:
        """Return the variable that carries a value of the request's envVars."""
        return self._keep(f"ENV_{name}", name, Variable(name="", kind="supplied", source="env", key=name))

    def of_node(self, *, node_id: str, service: str, name: str) -> str:
        """Return the variable that carries a value given for this node alone."""
        key = f"{node_id}.{name}"
        given = Variable(name="", kind="supplied", source="node", key=key)
        return self._keep(f"ENV_{service.upper()}_{name}", key, given)

    def of_field(self, *, node_id: str, service: str, field: str, given: bool) -> str:
        """Return the variable that carries a node's password or secret."""
        ending = field.removeprefix("secret.").upper()
        key = secret_key(node_id=node_id, field=field)
        wanted = Variable(name="", kind="supplied" if given else "generated", source="secret", key=key)
        return self._keep(f"SECRET_{service.upper()}_{ending}", key, wanted)

    def in_url(self, name: str) -> str:
        """Return the variable that carries another one's value, fit for a URL."""
        derived = Variable(name="", kind="derived", source="variable", key=name, transform="urlencode")
        return self._keep(f"{name}_URLENCODED", name, derived)

    def used_in(self, text: str, *, named: Iterable[str] = ()) -> tuple[Variable, ...]:
        """Return what this file refers to, and what is `named` in it, by name: one that another hides nobody needs."""
        names = {*USE.findall(text), *named}
        derived = [self._variables[name] for name in names & self._variables.keys()]
        names.update(variable.key for variable in derived if variable.source == "variable")
        return tuple(self._variables[name] for name in sorted(self._variables) if name in names)

    def _keep(self, wanted: str, key: str, variable: Variable) -> str:
        name = variable_name(wanted)
        for candidate in (name, f"{name}_{short_hash(key, 8)}"):
            named = replace(variable, name=candidate)
            if self._variables.setdefault(candidate, named) == named:
                return candidate
        raise AssertionError("two values with one key")
