"""What `make docs` adds to MkDocs: the pages that are generated from the code, and scripts out of the pages.

No script may stand in a page of ours (`axion_deploy/content_policy.py`), but the theme writes a few lines into each.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

from axion_deploy.operator_docs.agent_page import agent_page
from axion_deploy.operator_docs.graph_pages import databases_page, nodes_page, runtimes_page
from axion_deploy.operator_docs.settings_page import settings_page
from axion_deploy.operator_docs.states_page import states_page

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

GENERATED: Mapping[str, Callable[[], str]] = {
    "reference/settings.md": settings_page,
    "reference/agent.md": agent_page,
    "reference/nodes.md": nodes_page,
    "reference/databases.md": databases_page,
    "reference/runtimes.md": runtimes_page,
    "reference/states.md": states_page,
}
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
SCRIPTS = "assets/in-pages"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, write in GENERATED.items():
        files.append(File.generated(config, path, content=write()))
    return files


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Replace each script in the page by a file of the same content."""
    to_root = "../" * page.url.count("/")

    def in_file(script: re.Match[str]) -> str:
        name = f"{SCRIPTS}/{hashlib.sha256(script[1].encode()).hexdigest()[:16]}.js"
        path = Path(config.site_dir, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script[1])
        return f'<script src="{to_root}{name}"></script>'

    return SCRIPT.sub(in_file, output)
