"""Pages that libraries bring along and that we close: they know no owners, only Django's permissions or none at all."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

# Queues could be emptied by any member of staff; groups give permissions that nothing here asks for.
CLOSED = (("django_rq", "Dashboard"), ("knox", "AuthToken"), ("auth", "Group"))

for app, model in CLOSED:
    admin.site.unregister(apps.get_model(app, model))
