"""The reference of settings, from settings.py (which there are, what they take) and .env.example (what they mean)."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from axion_deploy.operator_docs.tables import ROOT, calls, code, table, text_of

INTRODUCTION = """# Settings

Every process of the control plane reads its settings once, from the environment. `docker-compose.yml` takes them from
`.env`; copy `.env.example` to begin with. Each name also exists as `NAME_FILE`: the path of a file with the value.
A value that cannot be right stops the start and names the setting. The table shows the value in `.env.example`.
"""
HEADER = ("Setting", "In `.env.example`", "Takes")
# Settings of settings.py that .env.example does not offer.
NOT_OFFERED = {
    "DATABASE_URL": "Where PostgreSQL is: `postgres://USER:PASSWORD@HOST:PORT/NAME`. `docker-compose.yml` makes it.",
    "REDIS_URL": "Where Redis is: `redis://:PASSWORD@HOST:PORT/NUMBER`. `docker-compose.yml` makes it.",
    "AXION_DEBUG": "Django's pages for developers. Leave it off: they show settings and source.",
}
# What docker-compose.yml alone reads.
OF_COMPOSE = {
    "AXION_WEB_PORT": "The port of this machine for web; 8000 without it.",
    "AXION_GATEWAY_PORT": "The port of this machine for the agents' gateway; 50051 without it.",
    "AXION_GATEWAY_MUTUAL_PORT": "The port for agents with certificates; 50052 without it. Tell agents of another one"
    " by `AXION_GATEWAY_MUTUAL_ADDRESS`.",
    "AXION_REGISTRY_FOLDER": "Password and certificate of the profile `registry`; `./registry` without it.",
    "AXION_REGISTRY_PUBLISH": "The address of this machine for that registry; 127.0.0.1 without it.",
    "AXION_REGISTRY_PORT": "Its port; 5000 without it.",
    "AXION_VERSION": "The tag of the image that is built and started; `latest` without it.",
}
FORMS = {
    "text": "text",
    "switch": "`on` or `off`",
    "number": "a whole number",
    "rate": "a rate such as `600/min`",
    "words": "a list with commas",
    "networks": "addresses and networks, with commas",
    "some_of": "a list with commas",
    "choice": "one of",
    "service_keys": "`SERVICE:BASE64`, with commas",
    "service_patterns": "`SERVICE:PATTERN|PATTERN`, with commas",
    "encryption_keys": "`VERSION:BASE64` of 32 bytes, with commas",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Settings of .env.example that stand below one comment, each with its value there."""

    comment: str
    values: dict[str, str]


def settings_page() -> str:
    """Return the page. Raises KeyError when a setting is neither offered nor described here."""
    forms = setting_forms()
    groups = offered_groups()
    offered = {name for group in groups for name in group.values}
    sections = [f"{group.comment}\n\n{_table(group, forms)}" for group in groups]
    others = [(code(name), NOT_OFFERED[name]) for name in sorted(forms.keys() - offered)]
    compose = [(code(name), text) for name, text in OF_COMPOSE.items()]
    return "\n".join((
        INTRODUCTION,
        *sections,
        "## Not in `.env.example`\n",
        table(("Setting", "Meaning"), others),
        "## Of `docker-compose.yml` alone\n",
        table(("Variable", "Meaning"), compose),
    ))  # fmt: skip


def setting_forms() -> dict[str, str]:
    """Return what each setting of settings.py takes, by its name."""
    readers = ((reader, call) for reader, call in calls("axion_deploy/settings.py") if reader in FORMS and call.args)
    return {text_of(call.args[0]): _form(reader, call) for reader, call in readers if text_of(call.args[0])}


def offered_groups() -> list[Group]:
    """Return the groups of .env.example in their order."""
    groups: list[Group] = []
    comment: list[str] = []
    for line in (ROOT / ".env.example").read_text().splitlines():
        name, separator, value = line.partition("=")
        if line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        elif separator and comment:
            groups.append(Group(comment=" ".join(comment), values={name: value}))
            comment = []
        elif separator:
            groups[-1].values[name] = value
        elif comment and not groups:
            # The first paragraph speaks of the file as a whole.
            comment = []
    return groups


def _form(reader: str, call: ast.Call) -> str:
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if reader == "number" and "at_least" in keywords:
        at_least = ast.unparse(keywords["at_least"])
        return f"{FORMS[reader]} from {at_least}" if re.fullmatch(r"\d+", at_least) else FORMS[reader]
    if reader == "choice":
        return f"{FORMS[reader]} {', '.join(code(word) for word in ast.literal_eval(keywords['among']))}"
    if reader == "some_of":
        return f"any of {', '.join(code(word) for word in sorted(ast.literal_eval(call.args[1])))}, with commas"
    return FORMS[reader]


def _table(group: Group, forms: dict[str, str]) -> str:
    return table(HEADER, ((code(name), code(value), forms.get(name, "text")) for name, value in group.values.items()))
