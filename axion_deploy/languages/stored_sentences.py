"""Which sentences our code stores or sends in English and pages show later: found in the code itself.

An f-string is its own template, so the code says what it says plainly and no sentence can be forgotten: whatever reads
like one in the modules below is collected, and a test holds the catalogues complete.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

# Where what is written down beside a stack, a deployment or a machine is worded.
MODULES = (
    "agents/condition.py",
    "agents/services/clusters.py",
    "deployments/consumers/logs_socket.py",
    "deployments/notifiers",
    "deployments/rules/observed.py",
    "deployments/rules/drift.py",
    "deployments/rules/incident_rules.py",
    "deployments/rules/notification_rules.py",
    "deployments/services/clusters",
    "deployments/services/ends",
    "deployments/services/fleet/agent_updates.py",
    "deployments/services/history",
    "deployments/services/incidents",
    "deployments/services/lifecycle",
    "deployments/services/logs",
    "deployments/services/notifications/announce.py",
    "deployments/services/notifications/deliver.py",
    "deployments/services/observation",
    "deployments/services/permissions/server_rights.py",
    "deployments/services/permissions/target_agents.py",
    "deployments/services/requests",
    "deployments/services/sharing/server_grants.py",
    "deployments/services/upkeep/watch_stacks.py",
    "agents/runner/commands/apply.py",
    "agents/runner/commands/deploy.py",
    "agents/runner/commands/going_back.py",
    "agents/runner/commands/jobs.py",
    "agents/runner/planning/health_gate.py",
    "agents/runner/planning/ports.py",
    "agents/runner/planning/registries.py",
    "agents/runner/docker/cli.py",
    "agents/runner/logs",
    "stackgen/plan.py",
)
# What these are given is for logs, or for programs.
NOT_SAID = {"isolation", "compile", "execute", "getLogger", "lock", "startswith", "endswith", "split", "join"}
READS = re.compile(r"[A-Za-z]{2,}[,;:]? (?:[A-Za-z]|\{)|\}[,:]? [a-z]{2,}|^[A-Z][a-z]+ [a-z]")
FOR_PROGRAMS = re.compile(r"\n.*\n|\b(?:SELECT|INSERT|UPDATE|DELETE)\b|\\[bd.]|\(\?|\|")
MAX_WAYS = 8
# Names of loops in logs, faults of our own code, and what other programs say.
NO_SENTENCES = {
    *("commands of clusters whose agent is lost", "ends of overdue deployments", "jobs for waiting deployments"),
    *("lost agents", "stacks that are watched", "states of stacks", "swarm {step}"),
    *("a rollback is stored with the entry it restores", "only a rollback undoes another deployment"),
    "name: {name}\nservices: {{}",
    *("notification given up", "notification not delivered, retrying", "no frame of Docker's"),
    *("machine deletions", "project deletions", "ends of overdue volume deletions", "ends of overdue reach checks"),
    *("changes of clusters whose agent is lost", "ends of overdue changes of clusters"),
    *("ends of overdue tests of registries", "it was found above, and is locked", "it was stored just now"),
    *("what was started had a graph", "{Plan}{variables_text}approval {approval}", "{plan}approval {digest}"),
    *("server gave HTTP response to HTTPS client", "unknown authority", "plain text"),
}


def stored_sentences(root: Path) -> Iterator[str]:
    """Yield each, with `{names}` for its values."""
    for name in MODULES:
        path = root / name
        for each in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield from sentences_in(each.read_text())


def sentences_in(source: str) -> Iterator[str]:
    """Yield what a module says, both arms of what it chooses between."""
    tree = ast.parse(source)
    passed_over = set(_passed_over(tree))
    for node in ast.walk(tree):
        if node in passed_over or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        for text in itertools.islice(_ways(node), MAX_WAYS):
            said = text.strip()
            if said not in NO_SENTENCES and READS.search(said) and not FOR_PROGRAMS.search(said):
                yield said


def _passed_over(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in NOT_SAID or ast.unparse(node.func).startswith("logger."):
                yield from ast.walk(node)
        elif isinstance(node, ast.JoinedStr):
            yield from (part for part in node.values if isinstance(part, ast.Constant))


def _ways(node: ast.expr) -> Iterator[str]:
    """Yield the templates of a text: `{names}` for values, each arm of a choice between two texts."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
        return
    assert isinstance(node, ast.JoinedStr)
    for parts in itertools.product(*map(_part, node.values)):
        yield _named(parts)


def _part(value: ast.expr) -> list[str | ast.expr]:
    if isinstance(value, ast.Constant):
        return [str(value.value).replace("{", "{{")] if "{" in str(value.value) else [str(value.value)]
    inner = value.value if isinstance(value, ast.FormattedValue) else value
    if isinstance(inner, ast.IfExp) and all(isinstance(arm, ast.Constant) for arm in (inner.body, inner.orelse)):
        return [str(arm.value) for arm in (inner.body, inner.orelse) if isinstance(arm, ast.Constant)]
    return [inner]


def _named(parts: tuple[str | ast.expr, ...]) -> str:
    """Return the template; values are named by the last word of what they are, twice the same with a number."""
    text, seen = "", dict[str, str]()
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        code = ast.unparse(part)
        words = re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'|\"[^\"]*\"", "", code)) or ["value"]
        name = words[0].strip("_") if isinstance(part, ast.Call) else words[-1].strip("_")
        while seen.get(name, code) != code:
            name += "_more"
        seen[name] = code
        text += f"{{{name}}}"
    return text
