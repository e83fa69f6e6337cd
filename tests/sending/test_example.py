"""Records made from the catalogue."""

from __future__ import annotations

import pytest

from airflow_provider_insightly.api.catalogue import get_object
from airflow_provider_insightly.sending.example import NOBODY, example_record
from airflow_provider_insightly.sending.preview import preview
from airflow_provider_insightly.sending.settings import from_template
from airflow_provider_insightly.sending.template import get_template, templates


def test_an_example_has_the_required_fields_and_a_value_of_each_kind():
    record = example_record(get_object("Contacts"), "POST")
    assert record["FIRST_NAME"] == "First name"
    assert record["EMAIL_ADDRESS"] == "ann.lee@example.com"
    assert record["EMAIL_OPTED_OUT"] is False
    assert "CONTACT_ID" not in record
    assert len(record) < 10


def test_an_example_of_a_change_is_about_nobody():
    assert example_record(get_object("Leads"), "PUT")["LEAD_ID"] == NOBODY
    assert example_record(get_object("Leads"), "DELETE") == {"LEAD_ID": NOBODY}


@pytest.mark.parametrize("name", sorted(templates()))
def test_an_example_can_be_sent(name: str):
    settings = from_template(get_template(name))
    assert settings.target is not None
    (sample,) = preview(settings, [example_record(settings.target, settings.method)])
    assert sample.problem == ""
