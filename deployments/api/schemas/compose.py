"""What the door of Compose files takes and answers."""

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.requests import MAX_INTEGER, RequestSchema
from deployments.api.schemas.responses import ResponseSchema
from deployments.services.projects.compose_files import MAX_PROFILES, MAX_UPLOADED_BYTES, MAX_UPLOADED_FILES
from deployments.services.projects.project_file import MAX_FILE_BYTES
from stackgen.compose_import.report import Outcome

MAX_PATH = 500


class ComposeFileIn(RequestSchema):
    name = serializers.CharField(max_length=MAX_PATH, help_text="Path from the project's folder, such as db/init.sql.")
    content = serializers.CharField(
        allow_blank=True, trim_whitespace=False, max_length=MAX_UPLOADED_BYTES, help_text="The file's text."
    )


class ComposeIn(RequestSchema):
    files = serializers.ListField(child=ComposeFileIn(), min_length=1, max_length=MAX_UPLOADED_FILES)
    order = serializers.ListField(
        child=serializers.CharField(max_length=MAX_PATH),
        required=False,
        max_length=MAX_UPLOADED_FILES,
        help_text="Which files are Compose files; later ones win. Found by their names without it.",
    )
    profiles = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, max_length=MAX_PROFILES
    )
    preview = serializers.BooleanField(required=False, help_text="Store nothing.")


class VersionQuery(RequestSchema):
    version = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER, required=False)


class ProjectFileIn(RequestSchema):
    text = serializers.CharField(
        max_length=MAX_FILE_BYTES, trim_whitespace=False, help_text="As getProjectFile gave it."
    )


class ComposeLineOut(ResponseSchema):
    file = serializers.CharField()
    line = serializers.IntegerField(min_value=0)
    path = serializers.CharField(allow_blank=True)
    node = serializers.CharField(allow_blank=True)
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in Outcome])
    text = serializers.CharField()
