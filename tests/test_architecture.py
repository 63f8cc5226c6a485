"""Rules that keep the tree as ARCHITECTURE.md and CONTRIBUTING.md say, where no linter holds them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("axion_deploy", "deployments", "agents", "stackgen")
MOST_LINES_PER_FILE = 300
MOST_LINES_PER_FUNCTION = 50
USUAL_LINES = 20
MOST_MODULES_PER_FOLDER = 20
TEXT_FILES = {".py", ".md", ".toml", ".sh", ".yml", ".yaml", ".html", ".js", ".css", ".j2", ".proto", ".lock", ".json"}


def sources(*folders: str) -> list[Path]:
    """Our own modules: nothing generated."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [path for path in found if "_pb2" not in path.name and "migrations" not in path.parts]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_folders_are_small() -> None:
    modules = Counter(path.parent.relative_to(ROOT) for path in sources(*PACKAGES) if path.name != "__init__.py")
    assert not {str(folder): count for folder, count in modules.items() if count > MOST_MODULES_PER_FOLDER}


def test_files_are_small() -> None:
    long = {
        path.name: count
        for path in sources(*PACKAGES)
        if (count := len(path.read_text().splitlines())) > MOST_LINES_PER_FILE
    }
    assert not long


def test_functions_are_small() -> None:
    lengths = {
        f"{path.relative_to(ROOT)}:{function.name}": length(function)
        for path in sources(*PACKAGES)
        for function in functions(path)
    }
    assert not {name: count for name, count in lengths.items() if count > MOST_LINES_PER_FUNCTION}
    usual = sum(count <= USUAL_LINES for count in lengths.values())
    assert usual / len(lengths) >= 0.9


def growing_powers(path: Path) -> Iterator[int]:
    """Lines with a power whose exponent is no constant: a number of failures in it has no bound."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not isinstance(node.right, ast.Constant):
            yield node.lineno


def test_only_one_place_computes_pauses_that_grow() -> None:
    found = {str(path.relative_to(ROOT)) for path in sources(*PACKAGES) if list(growing_powers(path))}
    assert found == {"agents/backoff.py"}


def imported(path: Path) -> set[str]:
    """Modules that a file imports, and those it imports names of."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{each.name}" for each in node.names)})
    return found


def test_only_one_place_says_what_sealed_values_are_bound_to() -> None:
    users = {str(path.relative_to(ROOT)) for path in sources(*PACKAGES) if "deployments.encryption" in imported(path)}
    assert users == {"deployments/services/secrets/sealing.py"}


def of_itself(targets: Sequence[ast.AST]) -> bool:
    """`self.status = ...`: an error or a value that carries a status, never a row of another module."""
    owners = [target.value for target in targets if isinstance(target, ast.Attribute)]
    return all(isinstance(owner, ast.Name) and owner.id == "self" for owner in owners)


def status_writes(path: Path) -> Iterator[int]:
    """Lines that give a status to a row: `.update(status=...)`, `events.append(status=...)`, `row.status = ...`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Attribute) and target.attr == "status" for target in targets):
                yield from [node.lineno] if not of_itself(targets) else []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            writes = node.func.attr in {"update", "append", "create", "update_or_create", "bulk_update"}
            if writes and any(keyword.arg == "status" for keyword in node.keywords):
                yield node.lineno


def test_only_one_place_changes_the_status_of_a_deployment() -> None:
    writers = {str(path.relative_to(ROOT)) for path in sources("deployments") if list(status_writes(path))}
    assert writers == {"deployments/repositories/deployments.py"}


def test_only_the_ledger_changes_the_status_of_a_command() -> None:
    writers = {str(path.relative_to(ROOT)) for path in sources("agents") if list(status_writes(path))}
    assert writers <= {"agents/repositories/commands.py", "agents/repositories/delivery.py"}


@pytest.mark.parametrize("app", ["deployments", "agents", "stackgen", "axion_deploy"])
def test_packages_import_nothing_by_themselves(app: str) -> None:
    assert (ROOT / app / "__init__.py").read_text().strip() == ""


def test_the_runner_runs_without_django() -> None:
    program = "import agents.runner.__main__, sys; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=30)


def test_the_image_of_the_runner_holds_all_that_it_imports_and_no_more() -> None:
    program = (
        "import agents.runner, importlib, pkgutil, sys\n"
        "for each in pkgutil.walk_packages(agents.runner.__path__, 'agents.runner.'):\n"
        "    importlib.import_module(each.name)\n"
        "print(*(name for name in sys.modules if name.startswith('agents.')))"
    )
    command = [sys.executable, "-c", program]
    imported = subprocess.run(command, check=True, cwd=ROOT, timeout=30, capture_output=True, text=True).stdout.split()
    runner = (ROOT / "Dockerfile").read_text().partition(" AS runner\n")[2]
    copied = set(re.findall(r"(?<= )agents/(\w+)(?:\.py)?(?= )", runner)) - {"__init__"}
    assert copied == {name.split(".")[1] for name in imported}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_names_a_package_registry() -> None:
    hosts = re.compile(
        "|".join(["pypi" + r"\.org", "registry" + r"\.npmjs", "deb" + r"\.debian\.org", "repo1?" + r"\.maven"])
    )
    named = [path.name for path in tracked() if path.suffix in TEXT_FILES and hosts.search(path.read_text())]
    assert not named
