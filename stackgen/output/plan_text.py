"""`plan.txt`: what a stack consists of and what was decided on the way, for people."""

from __future__ import annotations

from stackgen.results import Stack, StackService


def plan_text(stack: Stack) -> str:
    """Return the whole text, always with the same sections."""
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
    facts = [f"{service.level} {service.name}: {service.image}"]
    if service.replicas > 1:
        facts.append(f"{service.replicas} copies")
    if service.depends_on:
        facts.append(f"after {', '.join(service.depends_on)}")
    if service.published_ports:
        facts.append(f"port {', '.join(map(str, service.published_ports))} of the host")
    if not service.has_health_check:
        facts.append("no health check: running is enough")
    return "; ".join(facts)
