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

from agents.wording.recognised import says_enough

# Where what is written down beside a stack, a deployment or a machine is worded, and what agents, plans and the
# generator of stacks say.
MODULES = (
    "agents/condition.py",
    "agents/errors.py",
    "agents/hello.py",
    "agents/reports/too_old.py",
    "agents/reports/update_rules.py",
    "agents/repositories/commands.py",
    "agents/repositories/delivery.py",
    "agents/runner/activity.py",
    "agents/runner/commands",
    "agents/runner/control_plane/bundles.py",
    "agents/runner/control_plane/client.py",
    "agents/runner/control_plane/secrets.py",
    "agents/runner/control_plane/unpack.py",
    "agents/runner/dispatch.py",
    "agents/runner/docker",
    "agents/runner/journal/writes.py",
    "agents/runner/logs",
    "agents/runner/planning",
    "agents/runner/policy",
    "agents/runner/schedules",
    "agents/runner/updating",
    "agents/services/clusters.py",
    "agents/services/command_delivery.py",
    "agents/services/updates.py",
    "agents/transport/intake/log_intake.py",
    "agents/transport/undeliverable.py",
    "agents/transport/wire",
    "deployments/consumers/logs_socket.py",
    "deployments/notifiers",
    "deployments/rules",
    "deployments/services/accounts",
    "deployments/services/adoption",
    "deployments/services/clusters",
    "deployments/services/ends",
    "deployments/services/fleet",
    "deployments/services/history",
    "deployments/services/incidents",
    "deployments/services/installations",
    "deployments/services/lifecycle",
    "deployments/services/logs",
    "deployments/services/notifications",
    "deployments/services/observation",
    "deployments/services/permissions/server_rights.py",
    "deployments/services/permissions/target_agents.py",
    "deployments/services/projects",
    "deployments/services/registries",
    "deployments/services/requests",
    "deployments/services/secrets",
    "deployments/services/sharing",
    "deployments/services/stacks",
    "deployments/services/upkeep/watch_stacks.py",
    "stackgen/code",
    "stackgen/compose_import",
    "stackgen/databases",
    "stackgen/errors.py",
    "stackgen/folders.py",
    "stackgen/graph",
    "stackgen/keys",
    "stackgen/output/engine_limits.py",
    "stackgen/output/swarm.py",
    "stackgen/parts",
    "stackgen/plan.py",
    "stackgen/references.py",
    "stackgen/runtimes",
    "stackgen/stack.py",
)
# What is there is read by programs, or is what programs say.
LEFT_OUT = {
    "agents/runner/logs/lines.py",
    "agents/runner/planning/push_progress.py",
    "agents/runner/planning/routing.py",
    "stackgen/compose_import/__main__.py",
    "stackgen/keys/schema.py",
}
# What is wrapped for the catalogue of pages there is stored as well, with values that only its source tells apart.
ALSO_STORED = (
    "deployments/consumers/logs_socket.py",
    "deployments/rules/notification_rules.py",
    "deployments/services/clusters/progress.py",
    "deployments/services/incidents",
    "deployments/services/lifecycle",
    "deployments/services/observation",
    "deployments/services/permissions/target_agents.py",
    "deployments/services/stacks",
    "deployments/services/upkeep/watch_stacks.py",
)
# What these are given is for logs, for programs or for whoever made a fault in our own code.
NOT_SAID = {
    *("isolation", "compile", "execute", "getLogger", "lock", "startswith", "endswith", "split", "join"),
    *("ArgumentParser", "AssertionError", "ImproperlyConfigured", "RuntimeError", "add_argument"),
}
NOT_SAID_AS = {"group", "meaning", "nodes"}
WRAPPED = {"sentence", "lazy", "gettext", "gettext_lazy", "ngettext", "_"}
READS = re.compile(r"[A-Za-z]{2,}[,;:]? (?:[A-Za-z]|\{)|\}[,:]? [a-z]{2,}|^[A-Z][a-z]+ [a-z]")
FOR_PROGRAMS = re.compile(r"\n.*\n|\b(?:SELECT|INSERT|UPDATE|DELETE)\b|\\[bd.]|\(\?|\|")
COMMAND = re.compile(
    r"--?\w+ |PGOPTIONS=|\{(?:assigned|sudo)\}|(?:bun|bundle|caddy|const|curl|db\.\S+|env|exec|export|for \w in"
    r"|frankenphp|gunicorn|java|next|node|npm|python|react-router-serve|remix-serve|rm|ruby|streamlit|uvicorn|wget) "
)
MAX_WAYS = 8
# Names of loops in logs, notes of the audit log, faults of our own code, what other programs say or read, and what
# would be taken for the beginning or end of too many texts.
NO_SENTENCES = {
    *("no frame of Docker's", "ends of overdue tests of registries", "{plan}approval {digest}"),
    "A project of Axion Deploy. No value of a secret is here: an empty text stands for each of them.",
    *("a rollback is stored with the entry it restores", "asked to {kind}{else}", "Bearer {self}"),
    *("builder of {name}: {else}", "changes of clusters whose agent is lost", "client version", "cluster {name}"),
    *("commands of clusters whose agent is lost", "continue in the background", "dict[str, Any]"),
    *("ends of looks at servers", "ends of overdue changes of clusters", "ends of overdue deployments"),
    *("ends of overdue reach checks", "ends of overdue tests of registries", "ends of overdue volume deletions"),
    *("for a new {role}", "host, port, url, user, password, passwordUrl, database, env.NAME, secret.NAME"),
    *("it has {join}", "it was found above, and is locked", "it was stored just now", "its engine says otherwise"),
    *("jobs for waiting deployments", "lost agents", "machine deletions", "name: {name}\nservices: {{}"),
    *("No such image", "no such time", "not allowed", "not in the sudoers", "notification given up"),
    *("notification not delivered, retrying", "only a rollback undoes another deployment"),
    *("only jobs on a schedule are made into this", "out of sequence", "plain text", "PRIVATE KEY"),
    *("project deletions", "removed {names_in}", "report numbers start at 1"),
    *("server gave HTTP response to HTTPS client", "server {name}", "server {name} -> {name_more}"),
    *("signed in before", "Stack {stack_name} for Swarm, generated from its drawing.", "stacks that are watched"),
    "states of stacks",
    *("Swarm knows no start order: every service starts at once and is restarted until it can run.", "swarm {step}"),
    *("The message answers no request.", "The network {name}", "The task {running}", "The volume {name}"),
    *("This call must be made inside a transaction.", "to version {updates}", "unhealthy container"),
    *("unknown authority", "variable {name}", "variables of", "volume {name}"),
    "What stands in ${...} is supplied by the environment of `docker stack deploy`; see .env.example.",
    *("what was started had a graph", "Which requests this gateway leads where.", "{join} found"),
    *("{name}, all to {heir}", "{plan}approval {digest}", "{Plan}{variables_text}approval {approval}"),
}


def stored_sentences(root: Path) -> Iterator[str]:
    """Yield each, with `{names}` for its values."""
    for name in MODULES:
        path = root / name
        for each in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            place = str(each.relative_to(root))
            if place not in LEFT_OUT:
                yield from sentences_in(each.read_text(), wrapped=place.startswith(ALSO_STORED))


def sentences_in(source: str, *, wrapped: bool = True) -> Iterator[str]:
    """Yield what a module says, both arms of what it chooses between; with what is `wrapped` for pages, or without."""
    tree = ast.parse(source)
    passed_over = set(_passed_over(tree, NOT_SAID if wrapped else NOT_SAID | WRAPPED))
    for node in ast.walk(tree):
        if node in passed_over or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        for text in itertools.islice(_ways(node), MAX_WAYS):
            said = text.strip()
            if said not in NO_SENTENCES and READS.search(said) and says_enough(said) and not _for_programs(said):
                yield said


def _for_programs(text: str) -> bool:
    return bool(FOR_PROGRAMS.search(text) or COMMAND.match(text))


def _passed_over(tree: ast.Module, not_said: set[str]) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in not_said or ast.unparse(node.func).startswith("logger."):
                yield from ast.walk(node)
        elif isinstance(node, ast.keyword) and node.arg in NOT_SAID_AS:
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
