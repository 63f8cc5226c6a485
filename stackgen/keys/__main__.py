"""`python -m stackgen.keys`: the JSON schema of a graph, with every key of a node's config."""

from __future__ import annotations

import json
import sys

from stackgen.keys.schema import graph_schema

if __name__ == "__main__":
    sys.stdout.write(json.dumps(graph_schema(), indent=2, ensure_ascii=False) + "\n")
