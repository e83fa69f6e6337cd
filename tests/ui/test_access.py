"""Who may see the pages, and what comes with every answer."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow


def test_nobody_sees_anything_without_signing_in(sign_in):
    answer = sign_in(None).get("/")
    assert answer.status_code == 401
    assert "insightly_crm_connector" not in answer.text
    assert "Please sign in" in answer.text


def test_a_viewer_sees_connectors_and_sends(sign_in):
    answer = sign_in("viewer").get("/")
    assert answer.status_code == 200
    assert "insightly_crm_connector" in answer.text
    assert "insightly_send_contacts" in answer.text


def test_a_broken_token_is_refused(sign_in):
    client = sign_in("admin")
    client.cookies.set("_token", client.cookies["_token"][:-4] + "aaaa")
    assert client.get("/").status_code in (401, 403)


def test_no_other_site_may_frame_the_pages_or_bring_scripts(sign_in):
    headers = sign_in("admin").get("/").headers
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "script-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_an_unknown_dag_is_not_found_and_the_page_says_what_is_missing(sign_in):
    answer = sign_in("admin").get("/connectors/no_such_dag")
    assert answer.status_code == 404
    assert "the tag &#39;insightly&#39;" in answer.text


def test_a_dag_that_only_sends_has_no_connector_pages(sign_in):
    assert sign_in("admin").get("/connectors/insightly_send_contacts").status_code == 404


def test_before_the_first_run_the_overview_says_what_to_do(sign_in):
    answer = sign_in("viewer").get("/connectors/insightly_crm_connector")
    assert answer.status_code == 200
    assert "No run yet" in answer.text
