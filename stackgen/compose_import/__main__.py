"""`python -m stackgen.compose_import FILE... --out DIR`: Compose files become what `manage.py import_project` takes."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from stackgen.code.bundle import bundle_tar
from stackgen.compose_import.complaints import ComposeInvalid
from stackgen.compose_import.importer import Imported, import_compose
from stackgen.compose_import.notation.opened import FolderFiles
from stackgen.compose_import.report import Outcome
from stackgen.errors import BundleInvalid, GraphInvalid
from stackgen.graph.secrets import split_secrets

INVALID = 2
GRAPH_FILE, PROJECT_FILE, VALUES_FILE, REPORT_FILE = "graph.json", "project.json", "values.json", "report.txt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 with all files written, or 2 with every problem printed and none written."""
    asked = _arguments().parse_args(arguments)
    root = asked.files[0].resolve().parent
    try:
        imported = import_compose(
            files=FolderFiles(root),
            paths=[os.path.relpath(path, root) for path in asked.files],
            env_files=[os.path.relpath(path, root) for path in asked.env_file],
            environment=dict(os.environ) if asked.environment else {},
            profiles=asked.profile,
        )
        write(imported, root=root, folder=asked.out, name=asked.name or imported.name or root.name)
    except ComposeInvalid as error:
        _say(*map(str, error.complaints))
        return INVALID
    except (BundleInvalid, GraphInvalid, OSError) as error:
        _say(str(error))
        return INVALID
    _say(*map(str, imported.lines), _summary(imported))
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compose_import", description="Turns Compose files into a project.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="Compose files; later ones win")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--name", default="", help="name of the project, in place of the file's")
    parser.add_argument("--env-file", type=Path, action="append", default=[], help="in place of .env beside the file")
    parser.add_argument("--profile", action="append", default=[], help="a profile whose services belong to it")
    parser.add_argument("--environment", action="store_true", help="take variables of this shell, over the files'")
    return parser


def write(imported: Imported, *, root: Path, folder: Path, name: str) -> None:
    """Write graph, project, report, code, and values for nobody else to read. Raises OSError or BundleInvalid."""
    split = split_secrets(imported.graph)
    code = {node: root / place for node, place in imported.code.items() if (root / place).is_dir()}
    bundles = {node: bundle_tar(place)[1] for node, place in code.items()}
    folder.mkdir(parents=True, exist_ok=True)
    project = {
        "name": name,
        "graph": GRAPH_FILE,
        "code": {node: f"code/{_folder_name(node)}" for node in bundles},
        "values": VALUES_FILE,
    }
    for file, content in ((GRAPH_FILE, split.graph), (PROJECT_FILE, project)):
        (folder / file).write_text(_json(content), encoding="utf-8")
    (folder / REPORT_FILE).write_text("".join(f"{line}\n" for line in imported.lines), encoding="utf-8")
    _write_private(folder / VALUES_FILE, _json(split.values))
    for node, bundle in bundles.items():
        with tarfile.open(fileobj=io.BytesIO(bundle)) as tar:
            tar.extractall(folder / "code" / _folder_name(node), filter="data")


def _folder_name(node: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", node).strip(".-") or "node"


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _summary(imported: Imported) -> str:
    numbers = ", ".join(f"{len(imported.named(outcome))} {outcome.value}" for outcome in Outcome)
    nodes = imported.graph["nodes"]
    return f"{len(nodes) if isinstance(nodes, list) else 0} nodes; lines: {numbers}"


def _say(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
