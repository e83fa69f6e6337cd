"""What hangs on a record: tags, links, dates, children, files, images, follows, states."""

import pytest


@pytest.fixture
def contact(sandbox):
    return sandbox.add("Contacts", FIRST_NAME="Zoë")


@pytest.fixture
def organisation(sandbox):
    return sandbox.add("Organisations", ORGANISATION_NAME="Øl & Co.")


@pytest.fixture
def opportunity(sandbox):
    return sandbox.add("Opportunities", OPPORTUNITY_NAME="Offer")


def of(record, rest=""):
    kind = next(iter(record)).removesuffix("_ID")
    names = {"CONTACT": "Contacts", "ORGANISATION": "Organisations", "OPPORTUNITY": "Opportunities", "TASK": "Tasks"}
    return f"/{names[kind]}/{next(iter(record.values()))}{rest}"


class TestTags:
    def test_put_takes_an_array_post_one_and_delete_a_body(self, sandbox, contact):
        tags = of(contact, "/Tags")
        assert sandbox.call("PUT", tags, [{"TAG_NAME": "a"}, {"TAG_NAME": "b"}]).json() == [
            {"TAG_NAME": "a"},
            {"TAG_NAME": "b"},
        ]
        added = sandbox.call("POST", tags, {"TAG_NAME": "c"})
        assert (added.status_code, added.json()) == (201, {"TAG_NAME": "c"})
        assert sandbox.call("DELETE", tags, {"TAG_NAME": "a"}).status_code == 202
        assert sandbox.call("GET", tags).json() == [{"TAG_NAME": "b"}, {"TAG_NAME": "c"}]
        assert sandbox.call("GET", of(contact)).json()["TAGS"] == [{"TAG_NAME": "b"}, {"TAG_NAME": "c"}]

    def test_a_tag_is_there_once(self, sandbox, contact):
        for _ in range(2):
            sandbox.call("POST", of(contact, "/Tags"), {"TAG_NAME": "a"})
        assert sandbox.call("GET", of(contact, "/Tags")).json() == [{"TAG_NAME": "a"}]

    def test_the_tags_of_a_type_are_listed(self, sandbox, contact):
        sandbox.call("PUT", of(contact, "/Tags"), [{"TAG_NAME": "b"}, {"TAG_NAME": "a"}])
        listed = sandbox.call("GET", "/Tags", params={"record_type": "contacts"})
        assert listed.json() == [{"TAG_NAME": "a"}, {"TAG_NAME": "b"}]
        assert sandbox.call("GET", "/Tags", params={"record_type": "leads"}).json() == []
        assert sandbox.call("GET", "/Tags").status_code == 400

    @pytest.mark.parametrize("wrong", [{}, {"TAG_NAME": ""}, "a", [1], {"TAG_NAME": "x" * 256}])
    def test_what_is_no_tag_is_400(self, sandbox, contact, wrong):
        for method in ("PUT", "POST"):
            assert sandbox.call(method, of(contact, "/Tags"), wrong).status_code == 400


class TestLinks:
    def test_a_link_shows_at_both_ends(self, sandbox, contact, organisation):
        body = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": organisation["ORGANISATION_ID"], "ROLE": "Buyer"}
        answer = sandbox.call("POST", of(contact, "/Links"), body)
        assert answer.status_code == 201
        link = answer.json()
        assert {name: link[name] for name in body} == body
        assert (link["OBJECT_NAME"], link["OBJECT_ID"], link["IS_FORWARD"]) == ("Contact", contact["CONTACT_ID"], True)
        assert sandbox.call("GET", of(contact, "/Links")).json() == [link]
        assert sandbox.call("GET", of(contact)).json()["LINKS"] == [link]
        other = sandbox.call("GET", of(organisation, "/Links")).json()[0]
        assert other["LINK_ID"] == link["LINK_ID"]
        assert (other["LINK_OBJECT_NAME"], other["LINK_OBJECT_ID"]) == ("Contact", contact["CONTACT_ID"])

    def test_a_link_is_changed_and_removed_at_both_ends(self, sandbox, contact, organisation):
        body = {"LINK_OBJECT_NAME": "ORGANISATION", "LINK_OBJECT_ID": str(organisation["ORGANISATION_ID"])}
        link = sandbox.call("POST", of(contact, "/Links"), body).json()
        changed = sandbox.call("PUT", of(contact, "/Links"), {"LINK_ID": link["LINK_ID"], "ROLE": "Owner"}).json()
        assert changed["ROLE"] == "Owner"
        other = sandbox.call("GET", of(organisation, "/Links")).json()[0]
        sandbox.call("PUT", of(organisation, "/Links"), {"LINK_ID": link["LINK_ID"], "ROLE": "Owner"})
        assert sandbox.call("GET", of(contact, "/Links")).json() == [changed]
        assert sandbox.call("GET", of(organisation, "/Links")).json() == [other]
        assert sandbox.call("GET", of(organisation, "/Links")).json()[0]["ROLE"] == "Owner"
        assert sandbox.call("DELETE", of(contact, f"/Links/{link['LINK_ID']}")).status_code == 202
        assert sandbox.call("GET", of(contact, "/Links")).json() == []
        assert sandbox.call("GET", of(organisation, "/Links")).json() == []
        assert sandbox.call("DELETE", of(contact, f"/Links/{link['LINK_ID']}")).status_code == 404

    def test_a_deleted_record_leaves_no_link_behind(self, sandbox, contact, organisation):
        body = {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": contact["CONTACT_ID"]}
        sandbox.call("POST", of(organisation, "/Links"), body)
        sandbox.call("DELETE", of(contact))
        assert sandbox.call("GET", of(organisation, "/Links")).json() == []

    @pytest.mark.parametrize(
        "wrong", [{}, {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": 1}, {"LINK_OBJECT_NAME": "X"}]
    )
    def test_a_link_to_nowhere_is_400(self, sandbox, contact, wrong):
        assert sandbox.call("POST", of(contact, "/Links"), wrong).status_code == 400

    def test_tasks_and_events_of_a_record_are_those_linked_to_it(self, sandbox, contact):
        link = {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": contact["CONTACT_ID"]}
        task = sandbox.add("Tasks", TITLE="Call", LINKS=[link])
        sandbox.add("Tasks", TITLE="Other")
        event = sandbox.add("Events", START_DATE_UTC="2026-01-02", END_DATE_UTC="2026-01-02")
        sandbox.call("POST", f"/Events/{event['EVENT_ID']}/Links", link)
        assert sandbox.call("GET", of(contact, "/Tasks")).json() == [task]
        assert [each["EVENT_ID"] for each in sandbox.call("GET", of(contact, "/Events")).json()] == [event["EVENT_ID"]]


class TestListsInsideARecord:
    def test_dates_are_replaced_and_numbered(self, sandbox, contact):
        body = [{"OCCASION_NAME": "Birthday", "OCCASION_DATE": "1990-02-03", "REPEAT_YEARLY": True}]
        dates = sandbox.call("PUT", of(contact, "/Dates"), body).json()
        assert dates[0]["DATE_ID"] > 0
        assert dates[0]["OCCASION_DATE"] == "1990-02-03 00:00:00"
        assert sandbox.call("GET", of(contact)).json()["DATES"] == dates

    def test_one_date_is_changed_by_its_id(self, sandbox, contact):
        one, two = sandbox.call("PUT", of(contact, "/Dates"), [{"OCCASION_NAME": "A"}, {"OCCASION_NAME": "B"}]).json()
        changed = sandbox.call("PUT", of(contact, "/Dates"), {"DATE_ID": one["DATE_ID"], "OCCASION_NAME": "C"}).json()
        assert [date["OCCASION_NAME"] for date in changed] == ["C", "B"]
        assert [date["DATE_ID"] for date in changed] == [one["DATE_ID"], two["DATE_ID"]]

    def test_email_domains(self, sandbox, organisation):
        domains = sandbox.call("PUT", of(organisation, "/EmailDomains"), [{"EMAIL_DOMAIN": "example.com"}]).json()
        assert sandbox.call("GET", of(organisation, "/EmailDomains")).json() == domains
        assert domains[0]["EMAIL_DOMAIN"] == "example.com"


class TestChildren:
    def test_comments_of_a_task(self, sandbox):
        task = sandbox.add("Tasks", TITLE="Call")
        comments = sandbox.call("POST", of(task, "/Comments"), {"BODY": "Done?"}).json()
        assert [(each["BODY"], each["TASK_ID"]) for each in comments] == [("Done?", task["TASK_ID"])]
        assert sandbox.call("GET", of(task, "/Comments")).json() == comments
        assert sandbox.call("DELETE", f"/Comments/{comments[0]['COMMENT_ID']}").status_code == 202
        assert sandbox.call("GET", of(task, "/Comments")).json() == []

    @pytest.mark.parametrize("wrong", [{}, {"BODY": ""}, {"BODY": None}, {"BODY": "x" * 201}, {"BODY": ["x"]}])
    def test_a_comment_needs_a_text_that_fits(self, sandbox, wrong):
        path = of(sandbox.add("Tasks", TITLE="Call"), "/Comments")
        answer = sandbox.call("POST", path, wrong)
        assert answer.status_code == 400
        assert "BODY" in answer.text
        assert sandbox.call("POST", path, {"body": "x" * 200}).status_code == 201

    def test_line_items_of_an_opportunity(self, sandbox, opportunity):
        path = of(opportunity, "/OpportunityLineItem")
        items = sandbox.call("POST", path, {"UNIT_PRICE": 2.5, "QUANTITY": 4}).json()
        item = items[0]
        assert item["OPPORTUNITY_ID"] == opportunity["OPPORTUNITY_ID"]
        changed = sandbox.call("PUT", path, {"OPPORTUNITY_ITEM_ID": item["OPPORTUNITY_ITEM_ID"], "QUANTITY": 5}).json()
        assert changed[0]["QUANTITY"] == 5
        assert sandbox.call("GET", f"/OpportunityLineItem/{item['OPPORTUNITY_ITEM_ID']}").json() == changed[0]
        assert sandbox.call("DELETE", f"{path}/{item['OPPORTUNITY_ITEM_ID']}").status_code == 202
        assert sandbox.call("GET", path).json() == []

    def test_a_line_item_names_its_pricebook_entry_once(self, sandbox, opportunity):
        path = of(opportunity, "/OpportunityLineItem")
        item = sandbox.call("POST", path, {"PRICEBOOK_ENTRY_ID": 7, "UNIT_PRICE": 1, "QUANTITY": 1}).json()[0]
        assert item["PRICEBOOK_ENTRY_ID"] == 7
        body = {"OPPORTUNITY_ITEM_ID": item["OPPORTUNITY_ITEM_ID"], "PRICEBOOK_ENTRY_ID": 8}
        assert sandbox.call("PUT", path, body).json()[0]["PRICEBOOK_ENTRY_ID"] == 7

    def test_a_pricebook_entry_is_made_through_its_pricebook_or_its_product(self, sandbox):
        product = sandbox.add("Product", PRODUCT_NAME="Chair", DEFAULT_PRICE=5, ACTIVE=True)["PRODUCT_ID"]
        pricebook = sandbox.add("Pricebook", NAME="2026", ACTIVE=True)["PRICEBOOK_ID"]
        for path in (f"/Pricebook/{pricebook}/PricebookEntry", f"/Product/{product}/PricebookEntry"):
            body = {"PRICEBOOK_ID": str(pricebook), "PRODUCT_ID": product, "PRICE": 5}
            entry = sandbox.call("POST", path, body).json()
            entry = entry[-1] if isinstance(entry, list) else entry
            assert (entry["PRICEBOOK_ID"], entry["PRODUCT_ID"]) == (pricebook, product)

    def test_a_child_of_another_record_is_404(self, sandbox, opportunity):
        other = sandbox.add("Opportunities", OPPORTUNITY_NAME="Other")
        item = sandbox.call("POST", of(other, "/OpportunityLineItem"), {"UNIT_PRICE": 1, "QUANTITY": 1}).json()[0]
        path = of(opportunity, f"/OpportunityLineItem/{item['OPPORTUNITY_ITEM_ID']}")
        assert sandbox.call("DELETE", path).status_code == 404

    def test_members_of_a_team(self, sandbox):
        team = sandbox.add("Teams", TEAM_NAME="Sales")
        me = sandbox.call("GET", "/Users/Me").json()["USER_ID"]
        member = sandbox.call("POST", f"/Teams/{team['TEAM_ID']}/TeamMembers", {"MEMBER_USER_ID": me}).json()
        assert member["TEAM_ID"] == team["TEAM_ID"]
        path = f"/Teams/{team['TEAM_ID']}/TeamMembers/{member['PERMISSION_ID']}"
        assert sandbox.call("DELETE", path).status_code == 202

    def test_the_children_of_a_record_that_is_not_there_are_404(self, sandbox):
        for path in ("/Contacts/1/Notes", "/Tasks/1/Comments", "/Contacts/1/Tags", "/Contacts/1/Links"):
            assert sandbox.call("GET", path).status_code == 404


class TestFiles:
    def test_a_file_comes_back_as_it_went(self, sandbox, contact):
        content = bytes(range(256)) * 10 + b"\r\n--\r\n"
        files = {"file": ("fä.bin", content, "application/x-thing")}
        uploaded = sandbox.call("POST", of(contact, "/FileAttachments"), files=files)
        assert uploaded.status_code == 201
        attachment = uploaded.json()
        assert (attachment["FILE_NAME"], attachment["FILE_SIZE"]) == ("fä.bin", len(content))
        assert sandbox.call("GET", of(contact, "/FileAttachments")).json() == [attachment]
        downloaded = sandbox.call("GET", f"/FileAttachments/{attachment['FILE_ID']}")
        assert (downloaded.content, downloaded.headers["Content-Type"]) == (content, "application/x-thing")
        assert sandbox.call("DELETE", f"/FileAttachments/{attachment['FILE_ID']}").status_code == 202
        assert sandbox.call("GET", f"/FileAttachments/{attachment['FILE_ID']}").status_code == 404
        assert sandbox.call("GET", of(contact, "/FileAttachments")).json() == []

    def test_an_image_comes_back_as_it_went(self, sandbox, contact):
        content = b"\x89PNG\r\n\x1a\n" + bytes(100)
        path = of(contact, "/Image")
        assert sandbox.call("GET", path).status_code == 404
        put = sandbox.call("PUT", f"{path}/me.png", data=content, headers={"Content-Type": "image/png"})
        assert put.status_code == 201
        assert sandbox.call("GET", path).content == content
        assert sandbox.call("GET", of(contact)).json()["IMAGE_URL"]
        assert sandbox.call("DELETE", path).status_code == 202
        assert sandbox.call("GET", path).status_code == 404

    def test_an_image_field_has_an_image_of_its_own(self, sandbox, contact):
        path = of(contact, "/ImageField/Photo__c")
        sandbox.call("PUT", f"{path}/me.png", data=b"photo")
        assert sandbox.call("GET", path).content == b"photo"
        assert sandbox.call("GET", of(contact, "/Image")).status_code == 404

    @pytest.mark.parametrize("claimed", ["text/html\r\nX-Evil: 1", "é😀/x", ""])
    def test_a_claimed_content_type_cannot_spoil_the_answer(self, sandbox, contact, claimed):
        files = {"file": ("a.bin", b"abc"), "content_type": (None, claimed.encode())}
        attachment = sandbox.call("POST", of(contact, "/FileAttachments"), files=files).json()
        answer = sandbox.call("GET", f"/FileAttachments/{attachment['FILE_ID']}")
        assert (answer.status_code, answer.content) == (200, b"abc")
        assert answer.headers["Content-Disposition"] == "attachment"
        assert "X-Evil" not in answer.headers

    @pytest.mark.parametrize("file_id", ["1", "²", "x", "9" * 5000])
    def test_a_file_that_is_not_there_is_404(self, sandbox, file_id):
        assert sandbox.call("GET", f"/FileAttachments/{file_id}").status_code == 404

    def test_an_upload_without_a_file_is_400(self, sandbox, contact):
        assert sandbox.call("POST", of(contact, "/FileAttachments"), {}).status_code == 400


def test_following_a_record(sandbox, contact):
    path = of(contact, "/Follow")
    assert sandbox.call("GET", path).json() == {"FOLLOWING": False}
    assert sandbox.call("POST", path).json() == {"FOLLOWING": True}
    assert sandbox.call("GET", "/Follows").json() == [{"RECORD_TYPE": "Contact", "RECORD_ID": contact["CONTACT_ID"]}]
    assert sandbox.call("GET", "/Follows", params={"record_type": "leads"}).json() == []
    assert sandbox.call("DELETE", path).status_code == 202
    assert sandbox.call("GET", path).json() == {"FOLLOWING": False}


def test_the_state_of_an_opportunity_and_its_history(sandbox, opportunity):
    reason = next(
        each for each in sandbox.call("GET", "/OpportunityStateReasons").json() if each["STATE_REASON"] == "Price"
    )
    change = {"STATE_REASON_ID": reason["STATE_REASON_ID"]}
    assert sandbox.call("PUT", of(opportunity, "/StateChange"), change).json()["FOR_OPPORTUNITY_STATE"] == "LOST"
    assert sandbox.call("GET", of(opportunity)).json()["OPPORTUNITY_STATE"] == "LOST"
    assert [each["STATE_REASON"] for each in sandbox.call("GET", of(opportunity, "/StateHistory")).json()] == ["Price"]
    assert sandbox.call("PUT", of(opportunity, "/StateChange"), {}).status_code == 400


def test_tickets_can_be_merged(sandbox, contact):
    fields = {"SUBJECT": "Help", "TICKET_STATUS": "open", "CONTACT_ID": contact["CONTACT_ID"]}
    gone, kept = (sandbox.add("Ticket", **fields)["TICKET_ID"] for _ in range(2))
    merged = sandbox.call("POST", f"/Ticket/{gone}/Merge", {"TARGET_TICKET_NUMBER": kept})
    assert merged.json()[0]["TICKET_ID"] == kept
    assert sandbox.call("GET", f"/Ticket/{gone}").status_code == 404


class TestCustomObjects:
    def test_a_custom_object_has_definitions_records_and_searches(self, sandbox):
        sandbox.control("POST", "/custom-objects", {"OBJECT_NAME": "Machine__c"})
        assert [each["OBJECT_NAME"] for each in sandbox.call("GET", "/CustomObjects").json()] == ["Machine__c"]
        assert sandbox.call("GET", "/CustomObjects/machine__c").json()["SINGULAR_LABEL"] == "Machine"
        fields = [{"FIELD_NAME": "Colour__c", "FIELD_VALUE": "red"}]
        machine = sandbox.add("Machine__c", RECORD_NAME="Lathe", CUSTOMFIELDS=fields)
        path = f"/Machine__c/{machine['RECORD_ID']}"
        assert sandbox.call("GET", path).json() == machine
        assert sandbox.call("GET", "/Machine__c").json() == [machine]
        params = {"field_name": "Colour__c", "field_value": "red"}
        assert sandbox.call("GET", "/Machine__c/Search", params=params).json() == [machine]
        body = {"RECORD_ID": machine["RECORD_ID"], "RECORD_NAME": "Drill"}
        assert sandbox.call("PUT", "/Machine__c", body).json()["RECORD_NAME"] == "Drill"
        assert sandbox.call("DELETE", path).status_code == 202
        assert sandbox.call("GET", "/Machine__c").json() == []

    def test_its_name_is_case_insensitive(self, sandbox):
        machine = sandbox.add("Machine__c", RECORD_NAME="Lathe")
        assert sandbox.call("GET", "/machine__C").json() == [machine]

    @pytest.mark.parametrize("name", ["Machine__c", "machine__c", "MACHINE__C"])
    def test_the_fields_of_a_custom_object_are_found_by_its_name_in_any_case(self, sandbox, name):
        colour = sandbox.control("POST", "/custom-fields/Machine__c", {"FIELD_NAME": "Colour__c"})
        assert colour["FIELD_FOR"] == "MACHINE__C"
        assert sandbox.call("GET", f"/CustomFields/{name}").json() == [colour]
        found = sandbox.call("GET", f"/CustomFields/{name}/Search", params={"fieldName": "Colour__c"})
        assert found.json() == colour

    def test_whether_an_undefined_one_exists_is_a_setting(self, sandbox):
        assert sandbox.call("GET", "/Machine__c").json() == []
        sandbox.settings(undefined_custom="reject")
        assert sandbox.call("GET", "/Machine__c").status_code == 404
