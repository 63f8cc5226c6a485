"""A registry that gives out one small image, over plain HTTP on this host; the engine trusts 127.0.0.0/8."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def small_image(text: str) -> tuple[bytes, bytes, bytes]:
    """Manifest, configuration and layer of an image with one file; its id is the configuration's digest."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("text")
        info.size = len(text.encode())
        archive.addfile(info, io.BytesIO(text.encode()))
    layer = gzip.compress(buffer.getvalue(), mtime=0)
    rootfs = {"type": "layers", "diff_ids": [digest_of(buffer.getvalue())]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/text"]}, "rootfs": rootfs})
    described = [("config", "application/vnd.docker.container.image.v1+json", config.encode())]
    described.append(("layer", "application/vnd.docker.image.rootfs.diff.tar.gzip", layer))
    parts = {
        name: {"mediaType": kind, "size": len(content), "digest": digest_of(content)}
        for name, kind, content in described
    }
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": parts["config"], "layers": [parts["layer"]]}
    return json.dumps(manifest).encode(), config.encode(), layer


@contextmanager
def registry(*, text: str, on_asked: Callable[[], None] = lambda: None) -> Iterator[tuple[str, str]]:
    """Serves the image under any name, after `on_asked`; gives the registry's address and the image's id."""
    manifest, config, layer = small_image(text)
    blobs = {digest_of(content): content for content in (config, layer)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            if "/manifests/" in self.path:
                on_asked()
                self._answer(manifest, MANIFEST, digest_of(manifest))
            elif name in blobs:
                self._answer(blobs[name], "application/octet-stream", name)
            else:
                self._answer(b"{}", "application/json", "")

        do_HEAD = do_GET  # noqa: N815

        def _answer(self, content: bytes, kind: str, digest: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            if digest:
                self.send_header("Docker-Content-Digest", digest)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}", digest_of(config)
        server.shutdown()
        thread.join(5)
