import logging

import pytest

from .soak import lost_writes, soak


@pytest.mark.parametrize("seed", [1, 2])
def test_after_many_random_requests_no_answered_write_is_lost_and_nothing_failed(sandbox, caplog, seed):
    with caplog.at_level(logging.ERROR):
        contacts, statuses = soak(sandbox, 1500, seed)
    assert lost_writes(sandbox, contacts) == []
    assert statuses[201] > 200
    assert statuses[400] > 20
    assert caplog.records == []
