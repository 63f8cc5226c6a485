"""What cannot be taken back is asked first, and a page without scripts says that it needs them."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from deployments.data.variable_types import PROJECT_WIDE
from deployments.models import Project, ProjectVariable
from deployments.services.permissions.access import caller_of
from deployments.services.projects.project_variables import change_variables
from tests.doors.browser.test_browser_keyboard import go
from tests.doors.people import People
from tests.doors.serving import aside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.parametrize("page", [1280, 390], indirect=True, ids=["desk", "phone"])
def test_a_value_is_removed_only_after_a_question(page: Page, address: str, people: People, project: Project) -> None:
    caller = caller_of(people.users["owner"])
    aside(
        lambda: change_variables(
            caller=caller, project_id=project.pk, place=PROJECT_WIDE, values={"TOKEN": "x"}, at=timezone.now()
        )
    )
    go(page, f"{address}/admin/deployments/project/{project.pk}/variables/")
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Remove TOKEN").click()
    expect(dialog).to_contain_text("nobody can look at it any more")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert aside(ProjectVariable.objects.count) == 1
    page.get_by_role("button", name="Remove TOKEN").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("TOKEN removed.")).to_be_visible()
    assert aside(ProjectVariable.objects.count) == 0
