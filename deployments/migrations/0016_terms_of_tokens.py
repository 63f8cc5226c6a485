"""Tokens that are there may do all, as before, and end in 90 days."""

from datetime import timedelta
from typing import Any

from django.db import migrations
from django.utils import timezone

LIFETIME = timedelta(days=90)


def give_terms(apps: Any, _: Any) -> None:
    tokens = apps.get_model("knox", "AuthToken").objects
    terms = apps.get_model("deployments", "ApiToken")
    tokens.filter(expiry__isnull=True).update(expiry=timezone.now() + LIFETIME)
    for token in tokens.filter(terms__isnull=True).iterator():
        terms.objects.create(token=token, name="made before tokens had names", scope="all")


class Migration(migrations.Migration):
    dependencies = [("deployments", "0015_api_tokens")]

    operations = [migrations.RunPython(give_terms, migrations.RunPython.noop)]
