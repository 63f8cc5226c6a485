"""References to images, by the grammar of the OCI distribution project (github.com/distribution/reference).

    reference = name [ ":" tag ] [ "@" digest ]
    name      = [ domain [ ":" port ] "/" ] path-component *( "/" path-component )

The first component is a domain only with a dot, a port or a capital letter in it, or when it is `localhost`; without
one the image is Docker Hub's, and its own ones lie in `library/`. Only sha256 is taken for a digest, as Docker does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HUB = "docker.io"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
IMAGE = re.compile(
    rf"(?=.{{1,512}}$)(?P<name>(?:{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image by name; `tag` and `digest` are empty where it says none."""

    text: str
    domain: str
    path: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """Return the last component: what the image is, whoever keeps it."""
        return self.path.rpartition("/")[2]


def parse_reference(text: str) -> Reference:
    """Return the parts of a reference. Raises ValueError for what is none."""
    match = IMAGE.fullmatch(text)
    if match is None:
        raise ValueError(f"no reference to an image: {text!r}")
    first, slash, rest = match["name"].partition("/")
    has_domain = bool(slash) and (first == "localhost" or bool(re.search(r"[.:A-Z]", first)))
    domain, path = (first, rest) if has_domain else (HUB, match["name"])
    if domain == HUB and "/" not in path:
        path = f"library/{path}"
    return Reference(text=text, domain=domain, path=path, tag=match["tag"] or "", digest=match["digest"] or "")
