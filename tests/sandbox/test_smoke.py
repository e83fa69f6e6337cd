def test_a_contact_can_be_created_read_changed_and_deleted(insightly_sandbox):
    contact = insightly_sandbox.add("Contacts", FIRST_NAME="Zoë")
    path = f"/Contacts/{contact['CONTACT_ID']}"
    assert insightly_sandbox.call("GET", path).json() == contact
    assert insightly_sandbox.call("PUT", path, {"LAST_NAME": "Ng"}).json()["LAST_NAME"] == "Ng"
    assert insightly_sandbox.call("DELETE", path).status_code == 202
    assert insightly_sandbox.call("GET", path).status_code == 404
    assert [each["method"] for each in insightly_sandbox.requests()] == ["POST", "GET", "PUT", "DELETE", "GET"]
