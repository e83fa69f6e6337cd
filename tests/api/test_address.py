from __future__ import annotations

import pytest

from airflow_provider_insightly.api.address import find_base_url, find_pod


@pytest.mark.parametrize(
    ("pod", "base_url", "expected"),
    [
        ("na1", None, "https://api.na1.insightly.com/v3.1"),
        ("eu1", "", "https://api.eu1.insightly.com/v3.1"),
        (None, "http://127.0.0.1:8765/v3.1/", "http://127.0.0.1:8765/v3.1"),
        ("na1", "gateway.example/insightly/v3.1", "https://gateway.example/insightly/v3.1"),
        (None, "https://api.au1.insightly.com", "https://api.au1.insightly.com/v3.1"),
    ],
)
def test_the_address_comes_from_the_pod_or_the_base_url(pod, base_url, expected):
    assert find_base_url(pod, base_url) == expected


@pytest.mark.parametrize("pod", ["", None, "na1.evil.example/", "NA 1", "https://api.na1.insightly.com"])
def test_what_cannot_be_a_pod_is_refused_with_the_place_to_find_it(pod):
    with pytest.raises(ValueError, match="User Settings > API"):
        find_base_url(pod, None)


@pytest.mark.parametrize("base_url", ["ftp://api.na1.insightly.com", "https://", "http:///v3.1"])
def test_what_cannot_be_an_address_is_refused(base_url):
    with pytest.raises(ValueError, match="no web address"):
        find_base_url(None, base_url)


@pytest.mark.parametrize(
    ("url", "pod"),
    [
        ("https://api.na1.insightly.com/v3.1", "na1"),
        ("https://API.EU1.insightly.com", "eu1"),
        ("http://127.0.0.1:8765/v3.1", None),
        ("https://api.na1.insightly.com.evil.example/v3.1", None),
    ],
)
def test_the_pod_of_an_address_is_that_of_insightlys_own_hosts(url, pod):
    assert find_pod(url) == pod
