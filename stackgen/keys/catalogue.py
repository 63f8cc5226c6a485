"""Every key that a node's config may have: checks, JSON schema and the reference are all made of this."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache

from stackgen.keys.basics import BASICS
from stackgen.keys.building import BUILDING
from stackgen.keys.container import CONTAINER
from stackgen.keys.data import DATA
from stackgen.keys.elsewhere import ELSEWHERE_KEYS
from stackgen.keys.health import HEALTH
from stackgen.keys.jobs import JOBS
from stackgen.keys.key import EVERYBODY, Key
from stackgen.keys.privileges import PRIVILEGES
from stackgen.keys.running import RUNNING
from stackgen.keys.stores import STORES

KEYS: tuple[Key, ...] = (
    *BASICS,
    *BUILDING,
    *DATA,
    *HEALTH,
    *RUNNING,
    *CONTAINER,
    *PRIVILEGES,
    *JOBS,
    *ELSEWHERE_KEYS,
    *STORES,
)
_EXACT = {(key.name, group): key for key in KEYS for group in key.groups}
_NAMES = frozenset(key.name for key in KEYS)
# What people write who come from Compose or from another product, in small letters without signs.
OTHER_WORDS = {
    "volumes": "volume.NAME", "mounts": "volume.NAME", "mount": "volume.NAME", "disk": "volume.NAME",
    "storage": "volume.NAME", "persistentvolume": "volume.NAME", "datadir": "volume.NAME",
    "environment": "env.NAME", "environmentvariables": "env.NAME", "envvars": "env.NAME", "variables": "env.NAME",
    "secrets": "secret.NAME", "configs": "file./PATH", "files": "file./PATH", "config": "file./PATH",
    "labels": "label.NAME", "annotations": "label.NAME", "healthcheck": "healthCommand", "health": "healthPath",
    "healthstartseconds": "healthStartPeriod", "startperiod": "healthStartPeriod", "hostheader": "healthHost",
    "livenessprobe": "healthPath", "readinessprobe": "healthPath", "workdir": "workingDir", "cmd": "command",
    "args": "command", "startcommand": "command", "memlimit": "memory", "memorylimit": "memory", "ram": "memory",
    "memreservation": "memoryReservation", "cpus": "cpu", "cpulimit": "cpu", "pidslimit": "processes",
    "pids": "processes", "scale": "replicas", "instances": "replicas", "copies": "replicas", "expose": "port",
    "publish": "ports", "stopgraceperiod": "stopGraceSeconds", "restartpolicy": "restart", "host": "domain",
"domains": "domain", "url": "domain", "type": "databaseType", "engine": "databaseType",
    "username": "user", "dbname": "database", "databasename": "database", "version": "databaseVersion",
    "containername": "aliases", "networkmode": "network", "networks": "network", "logging": "logDriver",
    "ulimits": "ulimit.NAME", "sysctls": "sysctl.NAME", "extrahosts": "extraHost.NAME",
    "binds": "hostPath./PATH", "buildargs": "buildArg.NAME", "target": "buildTarget", "context": "buildFolder",
    "rootdirectory": "buildFolder", "rootdir": "buildFolder", "buildsecrets": "buildSecret.ID",
    "framework": "runtime", "language": "runtime", "runonce": "run", "oneshot": "run", "job": "run",
    "jobtype": "run", "cron": "schedule", "cronschedule": "schedule", "crontab": "schedule",
}  # fmt: skip
# What is said elsewhere than in the graph.
ELSEWHERE_WORDS = {
    **dict.fromkeys(
        ("registry", "registryuser", "registryusername", "registrypassword", "registrytoken", "imagepullsecret",
         "imagepullsecrets", "pullsecret"),
        "passwords of registries are kept for the project, or for all, under Registries",
    ),
    **dict.fromkeys(("envfile", "dotenv"), "a .env file is imported into the project's variables"),
}  # fmt: skip
NOT_PLAIN = re.compile(r"[^a-z0-9]")


def find(name: str, *, group: str) -> tuple[Key | None, str]:
    """Return the key that means something for nodes of this group, and the name that follows it."""
    exact = _EXACT.get((name, group))
    if exact is not None and not exact.follows:
        return exact, ""
    prefix, dot, rest = name.partition(".")
    found = _EXACT.get((f"{prefix}.", group)) if dot and rest else None
    return found, rest if found is not None else ""


def find_silent(name: str) -> Key | None:
    """Return the key of this name that is read without a word where it means nothing; None when there is none."""
    return next((key for key in KEYS if key.silent and key.name == name), None)


@lru_cache(maxsize=1024)
def objection_to(name: str, group: str) -> str:
    """Return why a key means nothing for nodes of this group, with the nearest one that does; on one line."""
    prefix, dot, _ = name.partition(".")
    if name in _NAMES or (dot and f"{prefix}." in _NAMES and name != f"{prefix}."):
        others = sorted(word for word in EVERYBODY if find(name, group=word)[0] is not None)
        return f"means nothing for {group}, only for {' and '.join(others)}"
    if place := ELSEWHERE_WORDS.get(plain(name)):
        return f"means nothing here: {place}"
    if near := nearest(name, group=group):
        return f"means nothing here; did you mean {near}?"
    return "means nothing here"


def nearest(name: str, *, group: str) -> str:
    """Return the key that was meant, as people write it; empty when none is near."""
    shown = {plain(key.shown): key.shown for key in KEYS if group in key.groups}
    shown |= {plain(key.name): key.shown for key in KEYS if group in key.groups}
    whole, first = plain(name), plain(name.partition(".")[0])
    for word in dict.fromkeys((whole, first)):
        other = OTHER_WORDS.get(word, "")
        if word in shown or plain(other) in shown:
            return shown.get(word) or other
        if close := get_close_matches(word, shown, n=1, cutoff=0.75):
            return shown[close[0]]
    return ""


def plain(name: str) -> str:
    return NOT_PLAIN.sub("", name.lower())
