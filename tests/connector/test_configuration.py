"""A mistake in the file is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_insightly.connector.configuration import (
    Configuration,
    ConfigurationError,
    load_configuration,
    read_configuration,
)
from airflow_provider_insightly.connector.settings import BOXES

PAGE_DEFAULTS = {
    "create_prospects": False,
    "update_email_addresses": True,
    "delete_or_merge_prospects": False,
    "crm_empty_overwrites_marketing": False,
    "marketing_empty_overwrites_crm": False,
    "match_by_email": True,
    "overwrite_opted_out": False,
    "show_prospect_timeline": False,
    "sync_field_labels": False,
}


def test_the_nine_boxes_have_the_page_s_defaults() -> None:
    settings = Configuration().settings
    assert {name: getattr(settings, name) for name in BOXES.values()} == PAGE_DEFAULTS


def test_the_file_beside_the_dag_can_be_read() -> None:
    path = Path(__file__).parents[2] / "dags" / "insightly_crm_connector.yaml"
    configuration = load_configuration(path)
    assert {name: getattr(configuration.settings, name) for name in BOXES.values()} == PAGE_DEFAULTS
    assert len(configuration.mapping) > 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("settings:\n  match_by_email: perhaps\n", r"line 2: settings\.match_by_email: .* \(here: 'perhaps'\)"),
        ("settings:\n  sweep_hours: -1\n", r"line 2: settings\.sweep_hours"),
        (
            "settings:\n  merge_map:\n    Contacts/1: Leads/2\n",
            r"line 2: settings\.merge_map: .*records of two objects",
        ),
        ("settings: {merge_map: {Contacts/1: Contacts/1}}\n", "line 1: .*Contacts 1 leads back to itself"),
        ("settings: {merge_map: {Leads/1: Leads/2, Leads/2: Leads/3, Leads/3: Leads/2}}\n", "line 1: .*back to itself"),
        ("settings: {merge_map: {Contacts/²: Contacts/1}}\n", "line 1: .*write Contacts/5 or Leads/5"),
        ("mapping:\n  - {prospect: TITLE, lead: TITLE}\n  - {prospect: PHONE, lead: FON}\n", "line 3: .*no field FON"),
        (
            "mapping:\n  - prospect: TITLE\n    lead: TITLE\n    behaviour: x\n",
            r"line 4: mapping\.0\.behaviour: there is",
        ),
        ("mapping:\n  - prospect: TITLE\n    lead: TITLE\n    behavior: CRM\n", "line 4: .*'CRM Value'"),
        ("mapping: [\n  {prospect: TITLE", "line 2: this is not YAML"),
        ("settings:\n\tmatch_by_email: true\n", "line 2: this is not YAML: .*cannot start any token"),
        ("settings: {}\n---\nmapping: []\n", "line 2: this is not YAML: but found another document"),
        (
            "settings:\n  match_by_email: true\n  match_by_email: false\n",
            "line 3: match_by_email is given twice, .*line 2",
        ),
        ("mapping: [{prospect: TITLE, lead: TITLE, lead: PHONE}]\n", "line 1: lead is given twice, first in line 1"),
        ("mapping: []\nmapping:\n  - {prospect: TITLE, lead: TITLE}\n", "line 2: mapping is given twice"),
        ("settings:\n  breakers:\n    delete: {count: 5, percent: 1}\n", "line 3: .*did you mean deletes"),
        ("settings:\n  breakers:\n    deletes: {counts: 5, percent: 1}\n", r"line 3: .*\n.*did you mean count\?"),
        ("settings:\n  sweep_hours: .inf\n", "line 2: .*less than or equal to 87600"),
        ("settings:\n  log_days: 999999\n", "line 2: .*less than or equal to 36500"),
        ("a: &a [1]\nsettings: *a\n", "line 1: a: there is no such setting"),
        ("mapping: \x01", "line 1: this is not YAML: unacceptable character"),
        ("- settings\n", "line 1: the file holds a list; it begins with: insightly_conn_id, settings, mapping"),
        ("settings:\n  creat_prospects: true\n", r"line 2: .*; did you mean create_prospects\?"),
        ("settings:\n  colour: red\n", "line 2: .*there are: create_prospects, update_email_addresses"),
        ("mapping:\n  - {prospect: TITLE, lead: TITEL}\n", "line 2: .*no field TITEL; did you mean TITLE"),
        ("mapping:\n  - {prospect: title, lead: TITLE}\n", "line 2: .*no field title; did you mean TITLE"),
        (
            "mapping:\n  - {prospect: EMPLOYEE_COUNT, lead: TITLE, values: {few: 5, many: lots}}\n",
            r"line 2: mapping\.0\.values\.few: .*put it in quotes",
        ),
        (
            "mapping:\n  - {prospect: EMPLOYEE_COUNT, lead: TITLE, values: {few: '5', many: lots}}\n",
            "line 2: mapping: the value map does not fit: 'lots' is not an integer",
        ),
        ("mapping:\n  - {prospect: TITLE, lead: TITLE, values: {Yes: Ja}}\n", "line 2: .*here: True.*put it in quotes"),
        ("mapping:\n  - {prospect: TITLE, lead: TITLE, values: {Ms: ''}}\n", "line 2: .*value map has an empty value"),
        ("mapping:\n  - {prospect: EMAIL_ADDRESS, contact: EMAIL_ADDRESS}\n", "line 2: .*update_email_addresses"),
        ("mapping:\n  - {prospect: TITLE}\n", "line 2: .*mapped to nothing"),
        ("mapping:\n  - {prospect: DO_NOT_CALL, contact: TITLE}\n", "line 2: .*do not fit"),
        ("mapping:\n  - {prospect: SCORE, contact: CREATED_USER_ID}\n", "line 2: .*neither can be written"),
        ("mapping:\n  - {prospect: TITLE, contact: TITLE, organisation: WEBSITE}\n", "line 2: .*one source"),
        ("mapping:\n  - {prospect: OPTED_OUT, contact: Out__c}\n", "line 2: .*opt-out is mapped to opt-outs alone"),
        ("mapping:\n  - {prospect: TITLE, contact: TAGS}\n", "line 2: .*cannot be mapped"),
        ("mapping:\n  - {prospect: TITLE, lead: TITLE, primary: contact}\n", "line 2: .*no custom field there"),
    ],
)
def test_mistakes_are_named_with_their_line(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"connector.yaml, {message}"):
        read_configuration(text, "connector.yaml")


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "settings:\n  # all by default\nmapping:\n", "\ufeffsettings: {}\n"]
)
def test_what_is_not_there_is_as_on_the_page(text: str) -> None:
    assert read_configuration(text) == Configuration()


def test_anchors_and_merged_keys_can_be_used() -> None:
    text = "mapping:\n  - &row {prospect: TITLE, lead: TITLE}\n  - {<<: *row, prospect: PHONE, lead: PHONE}\n"
    assert [row.prospect for row in read_configuration(text).mapping] == ["TITLE", "PHONE"]


def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "connector.yaml"
    path.write_bytes("settings: {}\n# für alle\n".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="line 2: this is not UTF-8"):
        load_configuration(path)


def test_of_which_type_a_custom_field_is_the_instance_says() -> None:
    assert read_configuration("mapping:\n  - {prospect: DO_NOT_CALL, contact: Quiet__c}\n").mapping


def test_every_mistake_is_named_at_once() -> None:
    text = "settings:\n  x: 1\n  y: 2\nmapping:\n  - {prospect: TITLE, lead: XX}\n  - {prospect: PHONE, lead: XY}\n"
    with pytest.raises(ConfigurationError) as refused:
        read_configuration(text, "c")
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == [
        *("c, line 2", "c, line 3", "c, line 5", "c, line 6"),
    ]


def test_one_field_is_in_one_row() -> None:
    text = "mapping:\n  - {prospect: TITLE, lead: TITLE}\n  - {prospect: PHONE, lead: TITLE}\n"
    with pytest.raises(ConfigurationError, match=r"line 3: mapping: Leads.TITLE is in row 1 already"):
        read_configuration(text)


def test_parameters_override_and_are_checked() -> None:
    configuration = Configuration().override({"create_prospects": True})
    assert configuration.settings.create_prospects
    assert configuration.digest != Configuration().digest
    with pytest.raises(ConfigurationError, match="create_prospects"):
        Configuration().override({"create_prospects": "perhaps"})
