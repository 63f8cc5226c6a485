"""A page of notes in PostgreSQL: the smallest application of code and a database that is worth opening."""

from __future__ import annotations

import html
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import psycopg

MAX_NOTE = 500
MAX_BODY = 4096
SHOWN = 50
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Notes</title><main><h1>Notes</h1>
<form method="post"><label>Note <input name="note" maxlength="500" required></label> <button>Add</button></form>
<ul>{notes}</ul></main></html>"""


def connect() -> psycopg.Connection:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, connect_timeout=5)


class Notes(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with connect() as database:
            if self.path == "/health":
                database.execute("SELECT 1")
                self.answer(200, "ok", "text/plain")
                return
            rows = database.execute("SELECT text FROM notes ORDER BY id DESC LIMIT %s", [SHOWN]).fetchall()
        notes = "".join(f"<li>{html.escape(text)}</li>" for (text,) in rows)
        self.answer(200, PAGE.format(notes=notes), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        if size > MAX_BODY:
            self.answer(413, "too much", "text/plain")
            return
        note = parse_qs(self.rfile.read(size).decode("utf-8", "replace")).get("note", [""])[0].strip()[:MAX_NOTE]
        if note:
            with connect() as database:
                database.execute("INSERT INTO notes (text) VALUES (%s)", [note])
        self.send_response(303)
        self.send_header("Location", "/")
        self.end_headers()

    def answer(self, status: int, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    with connect() as database:
        database.execute("CREATE TABLE IF NOT EXISTS notes (id bigserial PRIMARY KEY, text text NOT NULL)")
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Notes).serve_forever()
