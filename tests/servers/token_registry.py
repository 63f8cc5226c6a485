"""Debian's docker-registry with tokens in place of passwords, and the small server that gives them, with TLS.

The server is ours and small; what a token is, and what it allows, the registry checks itself.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from axion_deploy.embedded.ports import free_port
from tests.servers.own_registry import PASSWORD, OwnRegistry

SERVICE, ISSUER = "test registry", "test tokens"
AUTH = (
    "auth:\n  token:\n    realm: https://{tokens}/token\n    service: {service}\n    issuer: {issuer}\n"
    "    rootcertbundle: {folder}/tokens.crt\n"
)


@dataclass(frozen=True)
class Grants:
    """What each user, all with the one PASSWORD, may do with every repository."""

    by_user: Mapping[str, frozenset[str]]

    def of(self, authorization: str, scope: str) -> list[dict[str, Any]] | None:
        """Return what this scope allows that user; None for a user or password that is not known."""
        try:
            user, _, password = base64.b64decode(authorization.partition(" ")[2]).decode().partition(":")
        except ValueError:
            return None
        if password != PASSWORD or user not in self.by_user:
            return None
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        allowed = sorted(self.by_user[user] & set(actions.split(",")))
        return [{"type": kind, "name": name, "actions": allowed}] if name else []


class TokenRegistry(OwnRegistry):
    """Its users are those of `grants`; the address is one of this host, since the tokens' server runs here."""

    def __init__(self, *, grants: Grants, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._grants = grants
        self._tokens = f"{self.address.rpartition(':')[0]}:{free_port()}"
        self._server: ThreadingHTTPServer | None = None
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._certificate = _self_signed(self._key)

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "tokens.crt").write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        super().start()
        self._serve_tokens()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        super().stop()

    def _auth(self) -> str:
        return AUTH.format(tokens=self._tokens, service=SERVICE, issuer=ISSUER, folder=self.folder)

    def _serve_tokens(self) -> None:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = parse_qs(urlsplit(self.path).query)
                scope = asked.get("scope", [""])[0]
                access = registry._grants.of(self.headers.get("Authorization", ""), scope)
                body = {"details": "incorrect username or password"} if access is None else registry._token(access)
                content = json.dumps(body).encode()
                self.send_response(401 if access is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        host, _, port = self._tokens.rpartition(":")
        self._server = ThreadingHTTPServer((host, int(port)), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "registry.crt", self.folder / "registry.key")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def _token(self, access: list[dict[str, Any]]) -> dict[str, Any]:
        der = base64.b64encode(self._certificate.public_bytes(serialization.Encoding.DER)).decode()
        now = int(time.time())
        header = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
        claims: dict[str, Any] = {"iss": ISSUER, "sub": "somebody", "aud": SERVICE, "access": access}
        claims |= {"iat": now, "nbf": now - 60, "exp": now + 300, "jti": str(now)}
        signed = ".".join(_packed(json.dumps(part).encode()) for part in (header, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {"token": f"{signed}.{_packed(signature)}", "expires_in": 300}


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
