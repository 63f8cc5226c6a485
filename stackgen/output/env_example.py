"""`.env.example`: the variables whose values a person has to supply, by where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stackgen.results import Engine, Stack, StackService, Variable


def env_example(variables: Iterable[Variable], engine: Engine) -> str:
    """Placeholders stand for values, so that the file can be checked as it is once copied to `.env`."""
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
    return f"Given with the request as {key}." if variable.source == "env" else f"Given in the drawing ({key})."


def plan_text(stack: Stack) -> str:
    """What the stack consists of and what was decided on the way, for people."""
    sections = [
        ("Services, in start order", [_service_line(service) for service in stack.services]),
        ("Environment: edges, then the node's config, then the request; a later one hides an earlier one",
         list(stack.overrides) or ["nothing hides anything"]),
        ("Values to supply", [variable.name for variable in stack.variables] or ["none"]),
        ("Warnings", list(stack.warnings) or ["none"]),
    ]  # fmt: skip
    head = f"Stack {stack.name} for {stack.engine}, content {stack.content_hash[:16]}\n"
    return head + "".join(f"\n{title}\n" + "".join(f"  {line}\n" for line in lines) for title, lines in sections)


def _service_line(service: StackService) -> str:
    said = [f"{service.level} {service.name}: {service.image}"]
    if service.replicas > 1:
        said.append(f"{service.replicas} copies")
    if service.depends_on:
        said.append(f"after {', '.join(service.depends_on)}")
    if service.published_ports:
        said.append(f"port {', '.join(map(str, service.published_ports))} of the host")
    if not service.has_health_check:
        said.append("no health check: running is enough")
    return "; ".join(said)
