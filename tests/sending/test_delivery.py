from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from airflow_provider_insightly.sending import delivery
from airflow_provider_insightly.sending.delivery import deliver
from airflow_provider_insightly.sending.record import Record, Rejection
from airflow_provider_insightly.sending.request import Item, Request
from airflow_provider_insightly.sending.result import Result


def make_requests(count: int, records: int = 1) -> Iterator[Request]:
    for index in range(count):
        item = Item(Record(index, {}), "POST", "/Contacts", {}, None, str(index))
        yield Request("POST", "/Contacts", {}, b"{}", (item,) * records)


def succeed(request: Request, stop: Callable[[], None]) -> Result:
    return Result(request.items, "succeeded", (request.indices[0] + 1,))


def indices(outcomes: list) -> list[int]:
    return [o.record.index if isinstance(o, Rejection) else o.items[0].record.index for o in outcomes]


def test_results_come_in_the_order_of_the_requests_whatever_order_they_came_back_in():
    answered = {2: threading.Event()}

    def exchange(request: Request, stop: Callable[[], None]) -> Result:
        index = request.indices[0]
        if index == 1:
            answered[2].wait(10)  # the second is answered after the third
        if index == 2:
            answered[2].set()
        return succeed(request, stop)

    assert indices(list(deliver(make_requests(20), exchange, 4))) == list(range(20))


def test_requests_for_one_record_go_out_one_after_the_other_in_their_order():
    """Whichever is the last in the source wins, however long an earlier one takes; others do not wait."""
    log, other_is_done = [], threading.Event()

    def exchange(request: Request, stop: Callable[[], None]) -> Result:
        index = request.indices[0]
        log.append(f"{index} begins")
        if index == 1:
            assert other_is_done.wait(10)  # 4 is another record's
        if index == 4:
            other_is_done.set()
        log.append(f"{index} ends")
        return succeed(request, stop)

    urls = ["/Contacts/9", "/Contacts/5", "/Contacts/5", "/Contacts/5", "/Contacts/7"]
    requests = [
        Request("PUT", url, {}, b"{}", (Item(Record(index, {}), "PUT", url, {}, 5, str(index)),))
        for index, url in enumerate(urls)
    ]
    assert indices(list(deliver(requests, exchange, 5))) == [0, 1, 2, 3, 4]
    mine = [line for line in log if line[0] in "123"]
    assert mine == ["1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"]


def test_what_is_no_request_passes_through_where_it_stands():
    rejection = Rejection(Record(99, {}), None, "no")
    first, second = make_requests(2)

    assert indices(list(deliver([first, rejection, second], succeed, 2))) == [0, 99, 1]


def test_no_more_requests_are_read_than_the_window_holds():
    read = []

    def source() -> Iterator[Request]:
        for request in make_requests(5000):
            read.append(1)
            yield request

    outcomes = deliver(source(), succeed, 4)
    next(outcomes)

    assert len(read) <= delivery.WINDOW
    outcomes.close()
    assert len(read) <= delivery.WINDOW


@pytest.mark.parametrize(("batch", "most"), [(100, 26), (10_000, 5)])
def test_batches_fill_the_window_by_their_records_but_never_below_the_concurrency(batch: int, most: int):
    read = []

    def source() -> Iterator[Request]:
        for request in make_requests(100, batch):
            read.append(1)
            yield request

    outcomes = deliver(source(), succeed, 5)
    next(outcomes)

    assert len(read) == most
    assert indices(list(outcomes)) == list(range(1, 100))


def test_the_first_request_goes_alone():
    started = []

    def refuse(request: Request, stop: Callable[[], None]) -> Result:
        started.append(request.indices[0])
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        list(deliver(make_requests(50), refuse, 8))
    assert started == [0]


def test_nothing_goes_out_from_the_moment_that_an_error_is_known():
    started = []
    others_wait = threading.Event()

    def refuse_the_third(request: Request, stop: Callable[[], None]) -> Result:
        started.append(request.indices[0])
        if request.indices[0] == 2:
            stop()
            others_wait.set()
            raise PermissionError("no")
        if request.indices[0]:
            others_wait.wait(10)
        return succeed(request, stop)

    with pytest.raises(PermissionError):
        list(deliver(make_requests(50), refuse_the_third, 3))
    assert set(started) <= {0, 1, 2, 3}


def test_an_error_of_the_source_comes_after_the_results_of_what_was_read():
    def source() -> Iterator[Request]:
        yield from make_requests(7)
        raise ValueError("line 8 cannot be read")

    outcomes = []
    with pytest.raises(ValueError, match="line 8"):
        outcomes.extend(deliver(source(), succeed, 3))
    assert indices(outcomes) == list(range(7))


def test_those_under_way_are_yielded_after_the_one_that_ends_the_send():
    outcomes = list(deliver(make_requests(3000), succeed, 4, lambda outcome: outcome.items[0].record.index == 5))

    assert indices(outcomes)[:6] == [0, 1, 2, 3, 4, 5]
    assert len(outcomes) <= delivery.WINDOW + 6
