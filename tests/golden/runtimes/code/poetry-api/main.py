"""Answers every request with a signature, so that the dependency is really used."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from itsdangerous import Signer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(Signer("key").sign("poetry"))


HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
