"""What a control plane has stored, read beside it."""

from __future__ import annotations

import threading

import psycopg

from axion_deploy.embedded.postgres import EmbeddedPostgres


class Stored:
    """For those who ask often: a request to the web process costs many times as much. Threads may share it."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[tuple[str, str]] | None = None

    def progress(self, deployment: str) -> tuple[str, str]:
        """Return status and stage of a deployment that is there; both are empty while the database is away."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = psycopg.connect(self._postgres.url, autocommit=True)
                asked = "SELECT status, stage FROM deployments WHERE id = %s"
                row = self._connection.execute(asked, [deployment]).fetchone()
            except psycopg.OperationalError:
                self._connection = None
                return "", ""
        assert row is not None, f"no deployment {deployment}"
        return row

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
