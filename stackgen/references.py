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
# Where a host has the images of all projects, and what Docker takes for the id of one.
BUILT_HERE = "axion/"
HEX = re.compile(r"[0-9a-f]{4,64}")
OF_THE_HUB = re.compile(r"(?:(?:index\.|registry-1\.)?docker\.io/)+")
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


def why_others(text: str) -> str:
    """Return why others' code may be in an image of this name, as the end of a sentence; empty where it is none."""
    bare = OF_THE_HUB.sub("", text, count=1) if OF_THE_HUB.match(text) else text
    if bare.startswith(BUILT_HERE):
        return "is a name under which images of projects are built; push it"
    if bare.startswith("sha256:") or HEX.fullmatch(bare):
        return "may name any image of the host by its id: say a name and a tag"
    return ""
