"""When the database is not to be reached."""

from __future__ import annotations

from django.db import InterfaceError, InternalError, OperationalError

# It is away, asks to try again, or ended a transaction in which it heard nothing for too long: the work is not to blame
# and may be repeated.
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)
