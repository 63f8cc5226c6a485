"""`python -m tests.stackgen.compose_import.compare FOLDER`: how equal is what we generate to the Compose files there?

Each `*.yml` and `*.yaml` of the folder is imported and generated; `docker compose config` of the original and of ours
are compared leaf by leaf. One line a file: how many leaves are equal, how many differ as the list INTENDED says, how
many the import's own report names (`-v` shows them), how many nobody explains. The last line is the share over all.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stackgen.compose_import.importer import Imported, import_compose
from stackgen.compose_import.notation.opened import FolderFiles
from stackgen.compose_import.report import Outcome
from stackgen.folders import generate_from, write
from stackgen.graph.secrets import split_secrets
from stackgen.parts.variables import TRANSFORMS
from stackgen.results import Stack, StackOptions
from tests.stackgen.compose_import.intended import ADDED, INTENDED, Sides

DEADLINE_SECONDS = 60
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/home/somebody"}
Leaves = Iterator[tuple[tuple[str, ...], Any]]
# Two ways to say one thing.
SAME = {
    "mem_limit": ("deploy", "resources", "limits", "memory"),
    "cpus": ("deploy", "resources", "limits", "cpus"),
    "pids_limit": ("deploy", "resources", "limits", "pids"),
    "mem_reservation": ("deploy", "resources", "reservations", "memory"),
    "scale": ("deploy", "replicas"),
}


@dataclass(kw_only=True)
class Comparison:
    """Leaves of one file by what became of them; `unexplained` says each in words."""

    file: str
    equal: int = 0
    intended: int = 0
    told: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    failed: str = ""

    @property
    def share(self) -> float:
        """Return the share of equal leaves among those that are not meant to differ."""
        meant = self.equal + len(self.told) + len(self.unexplained)
        return self.equal / meant if meant else 1.0

    def __str__(self) -> str:
        if self.failed:
            return f"{self.file}: FAILED {self.failed}"
        numbers = f"{self.equal} equal, {self.intended} intended, {len(self.told)} told"
        return f"{self.file}: {self.share:.1%} ({numbers}, {len(self.unexplained)} unexplained)"


def main(folder: Path, *, say: Callable[[str], object]) -> int:
    """Return 0 when every file was imported and every difference is explained."""
    files = sorted(path for path in folder.iterdir() if path.suffix in {".yml", ".yaml"})
    found = []
    for path in files:
        comparison = compare(path)
        found.append(comparison)
        say(str(comparison))
        for line in [*comparison.unexplained, *(comparison.told if "-v" in sys.argv else [])]:
            say(f"    {line}")
    good = [each for each in found if not each.failed and not each.unexplained]
    equal = sum(each.equal for each in found)
    meant = equal + sum(len(each.told) + len(each.unexplained) for each in found)
    say(f"{len(good)} of {len(files)} imported with nothing unexplained; {equal / max(meant, 1):.1%} equal")
    return 0 if len(good) == len(files) else 1


def compare(path: Path) -> Comparison:
    """Import, generate and compare one file."""
    comparison = Comparison(file=path.name)
    try:
        with tempfile.TemporaryDirectory() as place:
            original, given = _original(path, Path(place))
            imported = import_compose(files=FolderFiles(path.parent), paths=[path.name], environment=given)
            ours, names = _ours(imported, Path(place))
    except (ValueError, OSError, subprocess.SubprocessError) as error:
        comparison.failed = str(error)[:300]
    except Exception as error:
        comparison.failed = f"{type(error).__name__}: {error}"[:300]
    else:
        for name, service in original["services"].items():
            mine = _as_named(ours["services"].get(names.get(name, ""), {}), names)
            _compare_service(comparison, name, service, mine, imported)
    return comparison


def _original(path: Path, place: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what `docker compose config` makes of a file, and the values that its variables needed for that."""
    unset = set(re.findall(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)", path.read_text()))
    tries: tuple[dict[str, str], ...] = (
        {},
        {name: f"/srv/{name.lower()}" for name in unset},
        dict.fromkeys(unset, "8080"),
    )
    for number, given in enumerate(tries):
        try:
            return _config_of(path, place / f"original-{number}", given), given
        except ValueError:
            if given is tries[-1]:
                raise
    raise AssertionError("no try")


def _config_of(path: Path, copy: Path, given: Mapping[str, str]) -> dict[str, Any]:
    """Return what `docker compose config` makes of a file; files of variables that are missing are empty ones."""
    result = _compose(["-f", str(path), "--project-directory", str(path.parent)], path.parent, given)
    if "env file" in result.stderr and "not found" in result.stderr:
        copy.mkdir()
        (copy / path.name).write_bytes(path.read_bytes())
        for missing in re.findall(r"[\w./-]+\.env[\w.-]*|[\w./-]*\.env\b", path.read_text()):
            target = copy / missing
            if not missing.startswith("/") and target.resolve().is_relative_to(copy):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch()
        result = _compose(["-f", str(copy / path.name), "--project-directory", str(copy)], copy, given)
    if result.returncode:
        raise ValueError(f"docker compose refuses the original: {result.stderr.strip()}")
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


def _compose(arguments: list[str], folder: Path, given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["docker", "compose", *arguments, "config", "--format", "json", "--no-path-resolution"]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        env={**given, **ENVIRONMENT},
        check=False,
    )


def _ours(imported: Imported, place: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what `docker compose config` makes of our files, and the name of each service in them."""
    code = place / "code"
    for name in _built(imported):
        folder = code / re.sub(r"[/\0]", "-", name)
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text("FROM scratch\n")
    code.mkdir(exist_ok=True)
    stack = generate_from(
        raw=imported.graph, code=code, stack_name="stack", project_id="p", env_names=(), options=StackOptions()
    )
    out = place / "out"
    write(stack, out)
    values = _values(stack, split_secrets(imported.graph).values)
    (out / ".env").write_text("".join(f"{name}={_quoted(value)}\n" for name, value in values.items()))
    result = _compose([], out, {})
    if result.returncode:
        raise ValueError(f"docker compose refuses ours: {result.stderr.strip()}")
    return json.loads(result.stdout), dict(stack.names)


def _built(imported: Imported) -> Iterator[str]:
    """Yield the nodes that have code: among the files, or somewhere else and to be uploaded."""
    nodes = imported.graph["nodes"]
    assert isinstance(nodes, list)
    for node in nodes:
        config = node["data"]["config"]
        if node["id"] in imported.code or not config.keys() & {"image", "databaseType"}:
            yield node["id"]


def _values(stack: Stack, given: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for variable in sorted(stack.variables, key=lambda variable: variable.source == "variable"):
        known = values if variable.source == "variable" else given
        values[variable.name] = TRANSFORMS[variable.transform](known.get(variable.key, ""))
    return values


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" if "'" not in value else json.dumps(value)


def _as_named(service: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return our service with the names that the original gives to those that it waits for."""
    theirs = {ours: name for name, ours in names.items()}
    waits = {theirs.get(name, name): how for name, how in service.get("depends_on", {}).items()}
    return {**service, "depends_on": waits} if waits else service


def _compare_service(
    comparison: Comparison, name: str, original: dict[str, Any], ours: dict[str, Any], imported: Imported
) -> None:
    sides = Sides(original=dict(leaves(original)), ours=dict(leaves(ours)), kind=_kind(imported, name))
    for path, value in sides.original.items():
        if path in sides.ours and same(path, value, sides.ours[path]):
            comparison.equal += 1
        elif any(rule.applies(path, value, sides) for rule in INTENDED):
            comparison.intended += 1
        else:
            said = _told(imported, name, path, value)
            text = f"{name}.{'.'.join(path)}: {value!r} became {sides.ours.get(path)!r}"
            (comparison.told if said else comparison.unexplained).append(f"{text} {said}".rstrip())
    for path, value in sides.ours.items():
        if path not in sides.original and not any(rule.applies(path, value, sides) for rule in ADDED):
            comparison.unexplained.append(f"{name}.{'.'.join(path)}: {value!r} was added")


def leaves(service: Mapping[str, Any]) -> Leaves:
    """Yield each leaf of a service's definition; lists whose order means nothing by what their items are."""
    for key, value in service.items():
        read = READ.get(key)
        yield from read(key, value) if read is not None else _flat(SAME.get(key, (key,)), value)


def _ports(key: str, value: Any) -> Leaves:
    for port in value:
        place = (port.get("host_ip", ""), str(port.get("published", "")), str(port["target"]), port["protocol"])
        yield (key, "/".join(place)), True


def _mounts(key: str, value: Any) -> Leaves:
    for item in value:
        yield from _mount(key, item)


def _in_memory(_key: str, value: Any) -> Leaves:
    for item in value:
        yield from _mount("volumes", {"type": "tmpfs", "target": item.partition(":")[0]})


def _rights(key: str, value: Any) -> Leaves:
    for item in value:
        yield (key, item.upper().removeprefix("CAP_")), True


def _limits(key: str, value: Any) -> Leaves:
    for name, limit in value.items():
        yield (key, name), limit if isinstance(limit, dict) else {"soft": limit, "hard": limit}


def _image(key: str, value: Any) -> Leaves:
    yield (key,), str(value).removeprefix("docker.io/").removeprefix("library/")


def _items(key: str, value: Any) -> Leaves:
    for item in value:
        yield (key, item if isinstance(item, str) else json.dumps(item, sort_keys=True)), True


def _mount(key: str, item: Mapping[str, Any]) -> Leaves:
    target = item.get("target") or item.get("source", "")
    if key == "secrets" and not target.startswith("/"):
        target = f"/run/secrets/{target}"
    kind = item.get("type", "file")
    yield ("mounts", target.rstrip("/"), "type"), "file" if key != "volumes" else kind
    if item.get("read_only"):
        yield ("mounts", target.rstrip("/"), "read_only"), True
    if kind == "bind":
        yield ("mounts", target.rstrip("/"), "source"), item["source"].rstrip("/")


def _flat(path: tuple[str, ...], value: Any) -> Leaves:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _flat((*path, str(key)), member)
    elif value is not None or path[0] == "environment":
        yield path, value


READ: Mapping[str, Callable[[str, Any], Leaves]] = {
    "ports": _ports,
    "tmpfs": _in_memory,
    "ulimits": _limits,
    "image": _image,
    **dict.fromkeys(("volumes", "secrets", "configs"), _mounts),
    **dict.fromkeys(("cap_add", "cap_drop"), _rights),
    **dict.fromkeys(("security_opt", "dns", "dns_search", "devices", "expose"), _items),
}


def same(path: tuple[str, ...], one: Any, other: Any) -> bool:
    """Return whether two leaves mean the same, however they are written."""
    if path[0] in {"command", "entrypoint"} or path[-1] == "test":
        return bool(one == other)
    return str(one) == str(other) or (one is None and other == "")


def _kind(imported: Imported, name: str) -> str:
    nodes = imported.graph["nodes"]
    assert isinstance(nodes, list)
    config = next(node["data"]["config"] for node in nodes if node["id"] == name)
    return str(config.get("databaseType", ""))


def _told(imported: Imported, name: str, path: tuple[str, ...], value: Any) -> str:
    """Return the line of the report that names this difference; empty when none does."""
    key = {"mounts": ("volumes", "secrets", "configs", "tmpfs"), "deploy": ("deploy", *SAME)}.get(path[0], (path[0],))
    for line in imported.lines:
        where = line.place.path.split(".")
        if line.outcome is Outcome.BECAME or line.node != name or len(where) < 3:
            continue
        if re.sub(r"\[\d+\]$", "", where[2]) in key and _names(line.place.path, line.text, path, value):
            return f"[{line.outcome.value}: {line.text}]"
    return ""


def _names(place: str, text: str, path: tuple[str, ...], value: Any) -> bool:
    if path[0] in {"environment", "mounts", "ports", "labels", "depends_on"}:
        words = path[1].split("/") if path[0] == "ports" else [path[1]]
        return any(word and (word in text or word in place) for word in words) or str(value) in text
    if path[0] in {"build", "healthcheck", "deploy"}:
        return bool({path[1], path[-1]} & set(re.split(r"[.\[\]: ]", f"{place}.{text}")))
    return True


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), say=lambda line: sys.stdout.write(f"{line}\n")))
