from __future__ import annotations

import pytest

from airflow_provider_insightly.api import catalogue


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Contacts", "Contacts"),
        ("contact", "Contacts"),
        ("LEAD", "Leads"),
        ("Opportunity", "Opportunities"),
        ("Organization", "Organisations"),
        ("organizations", "Organisations"),
        ("organisation", "Organisations"),
        ("prospects", "Prospect"),
        ("Tickets", "Ticket"),
        ("Widget__c", "Widget__c"),
    ],
)
def test_an_object_goes_by_its_names(name, expected):
    assert catalogue.get_object(name).name == expected


@pytest.mark.parametrize("name", ["Kontakte", "category", ""])
def test_an_unknown_or_ambiguous_name_lists_what_there_is(name):
    with pytest.raises(catalogue.UnknownObjectError, match=r"Contacts, Countries.*custom objects end in '__c'"):
        catalogue.get_object(name)


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("Contacts", ("FIRST_NAME",)),
        ("Leads", ("LAST_NAME",)),
        ("Opportunities", ("OPPORTUNITY_NAME",)),
        ("Organisations", ("ORGANISATION_NAME",)),
        ("Prospect", ("EMAIL_ADDRESS",)),
        ("Tasks", ("TITLE",)),
    ],
)
def test_what_a_create_must_have_leaves_out_what_the_server_fills_in(name, required):
    assert catalogue.get_object(name).required_fields == required


def test_all_operations_of_the_vendors_document_are_there():
    assert len(catalogue.operations()) == 530
    assert len({operation.path for operation in catalogue.operations()}) == 305


def test_every_type_that_is_named_exists():
    plain = {"text", "integer", "number", "boolean", "datetime", "object", "file"}
    named = {field.type for fields in catalogue.types().values() for field in fields.values()}
    named |= {kind for operation in catalogue.operations() for kind in (operation.body, operation.response) if kind}
    assert {kind.removesuffix("[]") for kind in named} <= plain | set(catalogue.types())


def test_every_object_with_an_id_field_has_that_field():
    for obj in catalogue.objects().values():
        assert obj.id_field is None or obj.fields[obj.id_field].type == "integer", obj.name


def test_prospect_links_are_read_only():
    fields = catalogue.get_object("Prospect").fields
    assert all(fields[name].read_only for name in ("LEAD_ID", "CONTACT_ID", "ORGANISATION_ID", "SCORE", "GRADE"))
    assert not fields["OPTED_OUT"].read_only
