"""The page for a person: everything escaped, nothing from elsewhere."""

EVIL = "<script>alert('x')</script>\"'&"


def get(sandbox, path, **params):
    return (
        sandbox.call("GET", "", params=params)
        if path is None
        else sandbox._session.get(sandbox.url + path, params=params)
    )


def test_it_shows_the_records_and_the_last_requests(sandbox):
    sandbox.add("Contacts", FIRST_NAME="Zoë")
    page = get(sandbox, "/")
    assert page.status_code == 200
    assert "/?object=Contacts" in page.text
    assert "/v3.1/Contacts" in page.text
    assert "Zoë" in page.text


def test_it_shows_the_records_of_an_object_page_by_page_and_each_whole(sandbox):
    sandbox.reset("demo")
    first = get(sandbox, "/", object="Contacts")
    assert "1 to 50 of 60" in first.text
    assert "51 to 60 of 60" in get(sandbox, "/", object="Contacts", skip=50).text
    contact = sandbox.call("GET", "/Contacts").json()[0]
    one = get(sandbox, "/", object="Contacts", id=contact["CONTACT_ID"])
    assert contact["EMAIL_ADDRESS"] in one.text


def test_it_shows_the_records_of_custom_objects_too(sandbox):
    sandbox.control("POST", "/custom-fields/Machine__c", {"FIELD_NAME": "Colour__c"})
    sandbox.add("Machine__c", RECORD_NAME="Lathe")
    overview = get(sandbox, "/").text
    assert "/?object=machine__c" in overview
    assert "CustomFields" not in overview
    assert "Lathe" in get(sandbox, "/", object="Machine__c").text


def test_a_record_has_the_address_that_it_has_in_the_web_application(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME="Zoë")
    page = get(sandbox, f"/details/Contact/{contact['CONTACT_ID']}")
    assert page.status_code == 200
    assert "Zoë" in page.text
    assert get(sandbox, "/details/Contact/1").status_code == 404
    assert get(sandbox, "/details/Contact/one").status_code == 404


def test_everything_is_escaped(sandbox):
    contact = sandbox.add("Contacts", FIRST_NAME=EVIL, CUSTOMFIELDS=[{"FIELD_NAME": "A__c", "FIELD_VALUE": EVIL}])
    sandbox.call("GET", f"/{EVIL}", params={EVIL: EVIL})
    pages = [get(sandbox, "/"), get(sandbox, "/", object="Contacts")]
    pages += [get(sandbox, "/", object="Contacts", id=contact["CONTACT_ID"]), get(sandbox, "/", object=EVIL)]
    for page in pages:
        assert "<script" not in page.text or "json" in page.headers["Content-Type"]
    assert "&lt;script&gt;" in pages[0].text


def test_it_loads_nothing_and_may_not_be_framed(sandbox):
    page = get(sandbox, "/")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "src=" not in page.text
    assert "prefers-color-scheme: dark" in page.text


def test_what_is_not_there_is_404(sandbox):
    assert get(sandbox, "/nonsense").status_code == 404
    assert get(sandbox, "/", object="Nonsense").status_code == 404
    assert get(sandbox, "/", object="Contacts", id=1).status_code == 404
    assert get(sandbox, "/", object="Contacts", id="x", skip="y").status_code == 200
