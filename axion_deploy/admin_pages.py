"""The admin with the pages of every application. Importing it loads them, which only the web process needs."""

from __future__ import annotations

from django.contrib import admin

admin.autodiscover()
site = admin.site
