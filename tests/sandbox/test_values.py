"""Values: types, dates, nulls, key order, custom fields, defaults."""

import pytest

from airflow_provider_insightly.api.catalogue import objects

CRUD = [obj for obj in objects().values() if {"create", "get", "update"} <= obj.verbs]
LOCKED = ("", None)


def minimal(sandbox, obj):
    """The least that an object of this kind can be created from."""
    values = {"text": "Name", "integer": 7, "number": 1.5, "boolean": True, "datetime": "2026-01-02 03:04:05"}
    return {name: values[obj.fields[name].type] for name in obj.required_fields}


@pytest.mark.parametrize("obj", CRUD, ids=lambda obj: obj.name)
def test_every_key_of_an_object_is_always_there_in_the_specs_order_with_the_extra_ones_among_them(sandbox, obj):
    record = sandbox.add(obj.name, **minimal(sandbox, obj))
    assert list(record) == list(obj.fields)
    assert list(sandbox.call("GET", f"/{obj.name}/{record[obj.id_field]}").json()) == list(obj.fields)


@pytest.mark.parametrize("obj", CRUD, ids=lambda obj: obj.name)
def test_nothing_can_be_created_without_its_required_fields(sandbox, obj):
    whole = minimal(sandbox, obj)
    for name in obj.required_fields:
        for lacking in ({}, {name: None}, {name: ""} if obj.fields[name].type == "text" else {}):
            answer = sandbox.call("POST", f"/{obj.name}", {key: whole[key] for key in whole if key != name} | lacking)
            assert answer.status_code == 400
            assert name in answer.text
    assert sandbox.call("GET", f"/{obj.name}", params={"field": ""}).status_code == 200


def test_ids_are_json_integers_and_string_ids_are_accepted(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë", ORGANISATION_ID="12")
    assert isinstance(contact["CONTACT_ID"], int)
    assert contact["ORGANISATION_ID"] == 12
    changed = sandbox.call("PUT", "/Contacts", {"CONTACT_ID": str(contact["CONTACT_ID"]), "LAST_NAME": "Ng"}).json()
    assert (changed["CONTACT_ID"], changed["LAST_NAME"]) == (contact["CONTACT_ID"], "Ng")


def test_dates_are_utc_to_the_second_without_a_zone(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë", DATE_OF_BIRTH="1990-02-03 04:05:06")
    assert contact["DATE_OF_BIRTH"] == "1990-02-03 04:05:06"
    assert len(contact["DATE_CREATED_UTC"]) == len("YYYY-MM-DD HH:MM:SS")


@pytest.mark.parametrize(
    ("iso", "kept"),
    [
        ("1990-02-03T04:05:06Z", "1990-02-03 04:05:06"),
        ("1990-02-03T04:05:06", "1990-02-03 04:05:06"),
        ("1990-02-03T04:05:06.789Z", "1990-02-03 04:05:06"),
        ("1990-02-03T04:05:06+02:00", "1990-02-03 02:05:06"),
        ("1990-02-03T00:05:06-0130", "1990-02-03 01:35:06"),
        ("1990-02-03T04:05", "1990-02-03 04:05:00"),
        ("1990-02-03", "1990-02-03 00:00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00"),
    ],
)
def test_bodies_take_iso_dates_too(sandbox, iso, kept):
    assert sandbox.add("Contacts", FIRST_NAME="Zoë", DATE_OF_BIRTH=iso)["DATE_OF_BIRTH"] == kept


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("DATE_OF_BIRTH", "1990-02-30"),
        ("DATE_OF_BIRTH", "03/02/1990"),
        ("DATE_OF_BIRTH", 19900203),
        ("DATE_OF_BIRTH", "0001-01-01T00:00:00+14:00"),
        ("ORGANISATION_ID", "twelve"),
        ("ORGANISATION_ID", 1.5),
        ("ORGANISATION_ID", True),
        ("ORGANISATION_ID", 2**63),
        ("OWNER_USER_ID", 2**31),
        ("EMAIL_OPTED_OUT", "perhaps"),
        ("FIRST_NAME", "x" * 256),
        ("FIRST_NAME", ["x"]),
        ("CUSTOMFIELDS", {"Hobby__c": "Chess"}),
        ("CUSTOMFIELDS", ["Hobby__c"]),
        ("TAGS", "customer"),
    ],
)
def test_a_value_that_does_not_fit_is_400_and_the_text_names_the_field(sandbox, field, wrong):
    answer = sandbox.call("POST", "/Contacts", {"FIRST_NAME": "Zoë", field: wrong})
    assert answer.status_code == 400
    assert field in answer.text
    assert sandbox.call("GET", "/Contacts").json() == []


@pytest.mark.parametrize(
    "text",
    [
        "Zoë O'Neil",
        'a"b\\c\n\t\u2028',
        "Nguyễn 阮 😀",
        " spaces kept ",
        "<script>alert(1)</script>",
        "x" * 255,
        "\u0000",
    ],
)
def test_text_comes_back_character_for_character(sandbox, text):
    contact = sandbox.add("Contacts", FIRST_NAME=text)
    assert sandbox.call("GET", f"/Contacts/{contact['CONTACT_ID']}").json()["FIRST_NAME"] == text


def test_nulls_are_explicit_and_unset_booleans_are_false(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")
    assert contact["LAST_NAME"] is None
    assert contact["EMAIL_OPTED_OUT"] is False
    assert contact["TAGS"] == contact["LINKS"] == contact["DATES"] == contact["CUSTOMFIELDS"] == []


@pytest.mark.parametrize("name", ["Contacts", "Leads", "Organisations"])
def test_records_carry_visible_to_and_an_etag_that_the_spec_lacks(sandbox, name):
    obj = objects()[name]
    record = sandbox.add(name, **minimal(sandbox, obj))
    assert record["VISIBLE_TO"] == "EVERYONE"
    assert record["VISIBLE_TEAM_ID"] is None
    assert list(record)[-1] == "ETag"


@pytest.mark.parametrize(
    ("name", "in_a_row"),
    [
        ("Contacts", "BACKGROUND VISIBLE_TO OWNER_USER_ID VISIBLE_TEAM_ID DATE_CREATED_UTC"),
        ("Organisations", "OWNER_USER_ID VISIBLE_TO VISIBLE_TEAM_ID DATE_CREATED_UTC"),
        ("Leads", "NEXT_ACTIVITY_DATE_UTC VISIBLE_TO VISIBLE_TEAM_ID ORGANISATION_NAME"),
        ("Leads", "CUSTOMFIELDS TAGS LINKS LINKED_EMAIL_ADDRESS"),
    ],
)
def test_keys_that_the_spec_lacks_stand_where_live_answers_have_them(sandbox, name, in_a_row):
    obj = objects()[name]
    assert f" {in_a_row} " in f" {' '.join(sandbox.add(name, **minimal(sandbox, obj)))} "


def test_a_custom_objects_records_carry_their_last_change_their_creator_and_an_etag_too(sandbox):
    record = sandbox.add("Machine__c", RECORD_NAME="Lathe")
    assert list(record) == [
        *("RECORD_ID", "RECORD_NAME", "OWNER_USER_ID", "DATE_CREATED_UTC", "DATE_UPDATED_UTC", "CREATED_USER_ID"),
        *("VISIBLE_TO", "VISIBLE_TEAM_ID", "CUSTOMFIELDS", "ETag"),
    ]
    me = sandbox.call("GET", "/Users/Me").json()["USER_ID"]
    assert record["OWNER_USER_ID"] == record["CREATED_USER_ID"] == me
    sandbox.settings(clock_offset=60)
    changed = sandbox.call("PUT", f"/Machine__c/{record['RECORD_ID']}", {"RECORD_NAME": "Drill"}).json()
    assert changed["DATE_UPDATED_UTC"] > record["DATE_UPDATED_UTC"] == record["DATE_CREATED_UTC"]
    assert changed["ETag"] != record["ETag"]


def test_leads_carry_links_and_a_linked_email_address(sandbox):
    lead = sandbox.add("Leads", LAST_NAME="Ng")
    assert lead["LINKS"] == []
    address = sandbox.call("GET", f"/Leads/{lead['LEAD_ID']}/LinkEmailAddress").json()
    assert address == {"EMAIL": lead["LINKED_EMAIL_ADDRESS"]}
    assert "@" in lead["LINKED_EMAIL_ADDRESS"]


def test_every_lead_has_an_address_of_its_own_that_mail_is_linked_by_wherever_it_came_from(sandbox):
    sandbox.reset("demo")
    contact = sandbox.call("GET", "/Contacts").json()[0]["CONTACT_ID"]
    sandbox.control("POST", f"/contacts/{contact}/change-to-lead")
    sandbox.control("POST", "/import/Leads", [{"LAST_NAME": "Ng"}])
    sandbox.add("Leads", LAST_NAME="Ng")
    addresses = {lead["LINKED_EMAIL_ADDRESS"] for lead in sandbox.call("GET", "/Leads").json()}
    assert None not in addresses
    assert len(addresses) == len(sandbox.call("GET", "/Leads").json())


def test_the_e_mail_field_is_email_on_leads_and_email_address_elsewhere(sandbox):
    assert sandbox.add("Leads", LAST_NAME="Ng", EMAIL="a@example.com")["EMAIL"] == "a@example.com"
    for name, required in (("Contacts", {"FIRST_NAME": "Zoë"}), ("Prospect", {})):
        record = sandbox.add(name, EMAIL_ADDRESS="a@example.com", **required)
        assert record["EMAIL_ADDRESS"] == "a@example.com"
        assert "EMAIL" not in record


def test_opt_out_is_email_opted_out_in_the_crm_and_opted_out_on_the_prospect(sandbox):
    assert sandbox.add("Contacts", FIRST_NAME="Zoë", EMAIL_OPTED_OUT=True)["EMAIL_OPTED_OUT"] is True
    assert sandbox.add("Leads", LAST_NAME="Ng", EMAIL_OPTED_OUT=True)["EMAIL_OPTED_OUT"] is True
    assert sandbox.add("Prospect", EMAIL_ADDRESS="a@example.com", OPTED_OUT=True)["OPTED_OUT"] is True


def test_a_lead_with_a_name_alone_gets_the_default_source_and_status_and_its_creator(sandbox):
    sources = sandbox.call("GET", "/LeadSources").json()
    statuses = sandbox.call("GET", "/LeadStatuses").json()
    lead = sandbox.add("Leads", LAST_NAME="Ng")
    assert [lead["LEAD_SOURCE_ID"]] == [each["LEAD_SOURCE_ID"] for each in sources if each["DEFAULT_VALUE"]]
    assert [lead["LEAD_STATUS_ID"]] == [each["LEAD_STATUS_ID"] for each in statuses if each["DEFAULT_STATUS"]]
    me = sandbox.call("GET", "/Users/Me").json()["USER_ID"]
    assert lead["RESPONSIBLE_USER_ID"] == lead["OWNER_USER_ID"] == lead["CREATED_USER_ID"] == me


@pytest.mark.parametrize("state", ["Open", "OPEN", "open", "Won"])
def test_enums_are_accepted_in_any_case(sandbox, state):
    record = sandbox.add("Opportunities", OPPORTUNITY_NAME="Offer", OPPORTUNITY_STATE=state)
    assert record["OPPORTUNITY_STATE"] == state


@pytest.mark.parametrize("status", ["NOT STARTED", "Not Started", "in progress"])
def test_a_tasks_status_is_accepted_in_any_case(sandbox, status):
    assert sandbox.add("Tasks", TITLE="Call", STATUS=status)["STATUS"] == status


def test_field_names_are_accepted_in_any_case(sandbox):
    assert sandbox.add("Contacts", first_name="Zoë", Last_Name="Ng")["LAST_NAME"] == "Ng"


FIELD_TYPES = [
    *("TEXT", "MULTILINETEXT", "NUMERIC", "PERCENT", "BIT", "DATE", "DATETIME"),
    *("DROPDOWN", "MULTISELECT", "AUTONUMBER", "URL", "IMAGE"),
]


class TestCustomFields:
    def define(self, sandbox, name, kind, *options, **more):
        definition = {
            "FIELD_NAME": name,
            "FIELD_TYPE": kind,
            "CUSTOM_FIELD_OPTIONS": [{"OPTION_VALUE": option, "OPTION_DEFAULT": False} for option in options],
            **more,
        }
        return sandbox.control("POST", "/custom-fields/Contacts", definition)

    def write(self, sandbox, name, value):
        fields = [{"FIELD_NAME": name, "FIELD_VALUE": value}]
        return sandbox.call("POST", "/Contacts", {"FIRST_NAME": "Zoë", "CUSTOMFIELDS": fields})

    @pytest.mark.parametrize(
        ("kind", "given", "kept"),
        [
            ("TEXT", "Chess", "Chess"),
            ("MULTILINETEXT", "a\nb", "a\nb"),
            ("TEXT", 5, "5"),
            ("BIT", True, True),
            ("BIT", "false", False),
            ("NUMERIC", 4, 4),
            ("NUMERIC", "4.5", 4.5),
            ("PERCENT", 20, 20),
            ("DATE", "2026-01-02", "2026-01-02 00:00:00"),
            ("DROPDOWN", "Gold", "Gold"),
            ("MULTISELECT", "Gold;Silver", "Gold;Silver"),
            ("URL", "https://example.com", "https://example.com"),
        ],
    )
    def test_text_is_a_string_bit_a_boolean_numeric_a_number_multiselect_one_string(self, sandbox, kind, given, kept):
        self.define(sandbox, "Field__c", kind, *(["Gold", "Silver"] if kind in ("DROPDOWN", "MULTISELECT") else []))
        record = self.write(sandbox, "Field__c", given).json()
        expected = [{"FIELD_NAME": "Field__c", "FIELD_VALUE": kept, "CUSTOM_FIELD_ID": "Field__c"}]
        assert record["CUSTOMFIELDS"] == expected
        assert sandbox.call("GET", f"/Contacts/{record['CONTACT_ID']}").json()["CUSTOMFIELDS"] == expected

    @pytest.mark.parametrize(
        ("kind", "wrong"),
        [("BIT", "perhaps"), ("NUMERIC", "four"), ("DATE", "soon"), ("DROPDOWN", "Lead"), ("MULTISELECT", "Gold;Lead")],
    )
    def test_a_value_that_does_not_fit_is_400_and_names_the_field(self, sandbox, kind, wrong):
        self.define(sandbox, "Field__c", kind, *(["Gold", "Silver"] if kind in ("DROPDOWN", "MULTISELECT") else []))
        answer = self.write(sandbox, "Field__c", wrong)
        assert answer.status_code == 400
        assert "Field__c" in answer.text

    @pytest.mark.parametrize("read_only", [{"kind": "AUTONUMBER"}, {"kind": "TEXT", "EDITABLE": False}])
    def test_one_that_cannot_be_edited_is_ignored_as_other_read_only_fields_are(self, sandbox, read_only):
        number = [{"FIELD_NAME": "Number__c", "FIELD_VALUE": "A-1"}]
        contact = sandbox.add("Contacts", FIRST_NAME="Zoë", CUSTOMFIELDS=number)
        self.define(sandbox, "Number__c", **read_only)
        contact["CUSTOMFIELDS"][0]["FIELD_VALUE"] = "A-2"
        answer = sandbox.call("PUT", "/Contacts", contact)
        assert (answer.status_code, answer.json()["CUSTOMFIELDS"][0]["FIELD_VALUE"]) == (200, "A-1")
        sandbox.settings(put="replace")
        replaced = sandbox.call("PUT", "/Contacts", contact).json()
        assert replaced["CUSTOMFIELDS"][0]["FIELD_VALUE"] == "A-1"
        assert self.write(sandbox, "Number__c", "A-3").json()["CUSTOMFIELDS"] == []

    def test_an_import_and_the_web_page_set_one_that_clients_cannot(self, sandbox):
        self.define(sandbox, "Number__c", "AUTONUMBER")
        sandbox.control("POST", "/import/Contacts", [{"FIRST_NAME": "Zoë", "Number__c": "A-1"}])
        contact = sandbox.call("GET", "/Contacts").json()[0]
        assert contact["CUSTOMFIELDS"][0]["FIELD_VALUE"] == "A-1"

    @pytest.mark.parametrize("kind", FIELD_TYPES)
    def test_a_field_may_have_any_of_the_known_types(self, sandbox, kind):
        self.define(sandbox, "Field__c", kind)
        assert sandbox.call("GET", "/CustomFields/Contacts").json()[0]["FIELD_TYPE"] == kind

    def test_a_lookup_names_the_object_that_its_id_belongs_to(self, sandbox):
        organisation = sandbox.add("Organisations", ORGANISATION_NAME="Øl")["ORGANISATION_ID"]
        self.define(sandbox, "Employer__c", "ORGANISATION", JOIN_OBJECT="ORGANISATION")
        assert sandbox.call("GET", "/CustomFields/Contacts").json()[0]["JOIN_OBJECT"] == "ORGANISATION"
        record = self.write(sandbox, "Employer__c", str(organisation)).json()
        assert record["CUSTOMFIELDS"][0]["FIELD_VALUE"] == organisation

    def test_put_keeps_the_custom_fields_that_it_does_not_name_and_null_clears_one(self, sandbox):
        fields = [{"FIELD_NAME": name, "FIELD_VALUE": "x"} for name in ("A__c", "B__c", "C__c")]
        contact = sandbox.add("Contacts", FIRST_NAME="Zoë", CUSTOMFIELDS=fields)
        change = [{"FIELD_NAME": "B__c", "FIELD_VALUE": "y"}, {"FIELD_NAME": "C__c", "FIELD_VALUE": None}]
        changed = sandbox.call("PUT", f"/Contacts/{contact['CONTACT_ID']}", {"CUSTOMFIELDS": change}).json()
        kept = {field["FIELD_NAME"]: field["FIELD_VALUE"] for field in changed["CUSTOMFIELDS"]}
        assert kept == {"A__c": "x", "B__c": "y"}

    def test_they_come_by_name_whatever_the_order_of_their_definitions(self, sandbox):
        for name in ("Weight__c", "Size__c"):
            self.define(sandbox, name, "TEXT")
        given = [{"FIELD_NAME": name, "FIELD_VALUE": "x"} for name in ("Weight__c", "shape__c", "Size__c", "Colour__c")]
        contact = sandbox.add("Contacts", FIRST_NAME="Zoë", CUSTOMFIELDS=given)
        names = [field["FIELD_NAME"] for field in contact["CUSTOMFIELDS"]]
        assert names == ["Colour__c", "shape__c", "Size__c", "Weight__c"]
        sandbox.reset("demo")
        for contact in sandbox.call("GET", "/Contacts").json():
            names = [field["FIELD_NAME"] for field in contact["CUSTOMFIELDS"]]
            assert names == sorted(names, key=str.lower)

    def test_whether_those_without_a_value_are_there_with_null_is_a_setting(self, sandbox):
        self.define(sandbox, "A__c", "TEXT")
        contact = self.write(sandbox, "B__c", "x").json()
        self.define(sandbox, "C__c", "BIT")
        path = f"/Contacts/{contact['CONTACT_ID']}"
        assert sandbox.call("GET", path).json() == contact
        sandbox.settings(unset_custom="null")
        answers = [sandbox.call("GET", path).json(), *sandbox.call("GET", "/Contacts/Search").json()]
        answers += [self.write(sandbox, "B__c", "x").json(), sandbox.call("PUT", path, {"PHONE": "1"}).json()]
        for answer in answers:
            fields = {field["FIELD_NAME"]: field["FIELD_VALUE"] for field in answer["CUSTOMFIELDS"]}
            assert list(fields.items()) == [("A__c", None), ("B__c", "x"), ("C__c", None)]
            assert list(answer) == list(contact)
        assert "CUSTOMFIELDS" not in sandbox.call("GET", "/Contacts", params={"brief": "true"}).json()[0]
        assert len(sandbox.call("GET", "/CustomFields/Contacts").json()) == 2
        assert sandbox.call("PUT", "/Contacts", answers[0]).status_code == 200
        sandbox.control("POST", "/custom-fields/Machine__c", {"FIELD_NAME": "Colour__c"})
        assert sandbox.add("Machine__c", RECORD_NAME="Lathe")["CUSTOMFIELDS"][0]["FIELD_VALUE"] is None
        sandbox.settings(unset_custom="omit")
        assert len(sandbox.call("GET", path).json()["CUSTOMFIELDS"]) == 1

    def test_whether_undefined_fields_are_kept_is_a_setting(self, sandbox):
        assert self.write(sandbox, "New__c", "x").status_code == 201
        sandbox.settings(undefined_custom="reject")
        answer = self.write(sandbox, "New__c", "x")
        assert answer.status_code == 400
        assert "New__c" in answer.text

    def test_the_metadata_is_read_only_and_has_the_documented_keys(self, sandbox):
        defined = self.define(sandbox, "Tier__c", "DROPDOWN", "Gold", "Silver", FIELD_LABEL="Tier")
        found = sandbox.call("GET", "/CustomFields/Contacts").json()
        assert found == [defined]
        assert {"FIELD_NAME", "FIELD_LABEL", "FIELD_TYPE", "FIELD_FOR", "EDITABLE", "CUSTOM_FIELD_OPTIONS"} <= set(
            found[0]
        )
        assert [option["OPTION_VALUE"] for option in found[0]["CUSTOM_FIELD_OPTIONS"]] == ["Gold", "Silver"]
        assert sandbox.call("GET", "/CustomFields/contact").json() == found
        assert sandbox.call("GET", "/CustomFields/Contacts/Search", params={"fieldName": "tier__c"}).json() == defined
        for method in ("POST", "PUT", "DELETE"):
            assert sandbox.call(method, "/CustomFields/Contacts", {}).status_code == 405

    def test_there_is_no_pointer_to_where_a_field_was_cloned_from(self, sandbox):
        assert not [name for name in self.define(sandbox, "Tier__c", "TEXT") if "CLONE" in name]
