"""The page of the sample payloads: a send's settings, the requests that they make, and one of them sent for real."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Annotated, Any

from airflow.models.log import Log
from airflow.providers.common.compat.sdk import AirflowException
from airflow.utils.session import create_session
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from airflow_provider_insightly.api.address import BASE_PATH
from airflow_provider_insightly.api.catalogue import InsightlyObject, objects
from airflow_provider_insightly.api.client import secrets_of
from airflow_provider_insightly.api.errors import InsightlyError
from airflow_provider_insightly.api.retry import NO_RETRY
from airflow_provider_insightly.connector.staging import newest_records
from airflow_provider_insightly.hooks.insightly import InsightlyHook
from airflow_provider_insightly.sending.body import write_line
from airflow_provider_insightly.sending.example import example_record
from airflow_provider_insightly.sending.form import read_settings, read_text
from airflow_provider_insightly.sending.grouping import ALGORITHMS
from airflow_provider_insightly.sending.mask import MASKED, mask, mask_text
from airflow_provider_insightly.sending.preview import BASE_URL, SHOWN, Sample, preview, test_send
from airflow_provider_insightly.sending.record import Record, Rejection
from airflow_provider_insightly.sending.result import Result
from airflow_provider_insightly.sending.settings import METHODS, SendSettings, SettingError
from airflow_provider_insightly.sending.source import SourceError
from airflow_provider_insightly.sending.template import templates
from airflow_provider_insightly.ui.access import MayRead, MayTrigger
from airflow_provider_insightly.ui.operator_code import write_operator
from airflow_provider_insightly.ui.place import AnyPlace, Place
from airflow_provider_insightly.ui.rendering import render
from airflow_provider_insightly.ui.tasks import find_sends

router = APIRouter()
log = logging.getLogger(__name__)

LONGEST_TEXT = 1_000_000  # bytes of records: each change of a setting sends them again
LONGEST_SETTING = 5000  # characters: some hundred names of fields
LONGEST_BODY = 4 * LONGEST_TEXT  # the text within JSON, where a quote takes two bytes and a control character six
MOST_RECORDS = 1000  # are looked at: more would not change the first requests, but for very large batches
PICKED = 5  # staged records at once
CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0  # a person waits for the answer


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the page sends: its fields as they are filled in.

    :param settings: the settings by name, as texts and boxes.
    :param records: the text of the records.
    :param format: ``csv``, ``json``, ``jsonl``; empty: by the looks of the text.
    :param confirm_delete: a person said yes to the deletion.
    """

    settings: Mapping[str, str | bool]
    records: str
    format: str = ""
    confirm_delete: bool = False


async def read_sheet(request: Request) -> Sheet:
    """Read the body of a request, and no more of it than a page may send.

    :raises HTTPException: 413: it is too long; 400: it is not what the page sends.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, f"This is more than the page takes: at most {LONGEST_TEXT:,} bytes of records.")
    try:
        sheet = Sheet(**json.loads(body))
    except (ValueError, TypeError, RecursionError):
        raise HTTPException(400, "This is not what the page sends: settings, records and format as JSON.") from None
    texts = (*(sheet.settings.values() if isinstance(sheet.settings, dict) else [None]), sheet.records, sheet.format)
    if not all(isinstance(text, (str, bool)) for text in texts) or not isinstance(sheet.confirm_delete, bool):
        raise HTTPException(400, "This is not what the page sends: the settings must be texts and boxes.")
    return sheet


GivenSheet = Annotated[Sheet, Depends(read_sheet)]


@router.get("/connectors/{dag_id}/payloads", dependencies=[MayRead])
def show_payloads(place: AnyPlace) -> HTMLResponse:
    """Show the form; its script asks for the samples."""
    by_object = groupby(
        sorted(templates().values(), key=lambda template: (template.object or "", template.name)),
        key=lambda template: template.object or "Your own",
    )
    return place.page(
        "payloads.html",
        templates=[(name, list(group)) for name, group in by_object],
        methods=METHODS,
        objects=sorted(objects()),
        algorithms=list(ALGORITHMS),
        sends=find_sends(place.dag.dag_id),
        longest=LONGEST_TEXT,
    )


@router.get("/connectors/{dag_id}/payloads/records", dependencies=[MayRead])
def pick_records(
    place: AnyPlace, template: str = "", url: str = "", object: str = "", staged: bool = False
) -> Response:
    """Return records for the settings that are chosen: an example, or what the store holds of the object."""
    try:
        chosen = read_settings({"template": template, "url": url, "object": object, "id_field": "ID"})
    except ValueError as error:
        return _answer(problems={"records": f"Choose an endpoint first: {error}"})
    target = chosen.target
    if target is None:
        return _answer(problems={"records": "The URL names no object of Insightly's, so there is nothing to pick."})
    if not staged:
        found = [example_record(target, chosen.method)]
    else:
        found = _read_staged(place, target)
        if not found:
            return _answer(problems={"records": f"The store of this connector holds no {target.name}."})
    return _answer(records=json.dumps(found[0] if len(found) == 1 else found, indent=2, ensure_ascii=False))


@router.post("/connectors/{dag_id}/payloads/preview", dependencies=[MayRead])
def preview_payloads(place: AnyPlace, sheet: GivenSheet) -> Response:
    """Return the first requests that the settings make of the records, or what is wrong with which field."""
    base_url, notice = _find_base_url(place)
    problems: dict[str, str] = {}
    settings = _read_settings(sheet, base_url, problems)
    records = _read_records(sheet, problems)
    if settings is None:
        return _answer(problems=problems)
    code = write_operator(settings, str(sheet.settings.get("template") or "") or None, place.dag.conn_id)
    if problems:
        return _answer(problems=problems, code=code)
    try:
        samples = preview(settings, records[:MOST_RECORDS], SHOWN, base_url or BASE_URL)
    except ValueError as error:  # a grouping cannot hold what a record has
        return _answer(problems={"grouping": str(error)}, code=code)
    html = render(
        place.request,
        "payload_samples.html",
        place=place,
        samples=[_show(sample, records) for sample in samples],
        count=min(len(records), MOST_RECORDS),
        more=len(records) > MOST_RECORDS,
        notice=notice,
        grouped=settings.grouping is not None,
        deletes=settings.method == "DELETE",
    )
    names = dict.fromkeys(name for record in records[:SHOWN] if isinstance(record, Record) for name in record.values)
    return _answer(html=html, code=code, fields=[name for name in names if "," not in name])


@router.post("/connectors/{dag_id}/payloads/test", dependencies=[MayRead, MayTrigger])
def send_test_data(place: AnyPlace, sheet: GivenSheet) -> Response:
    """Send the record, or the records of one batch, for real; return the answer, or what has to be confirmed."""
    hook = InsightlyHook(place.dag.conn_id)
    base_url, notice = _find_base_url(place)
    problems: dict[str, str] = {}
    settings = _read_settings(sheet, base_url, problems)
    records = _read_records(sheet, problems)
    if rejected := [found for found in records if isinstance(found, Rejection)]:
        problems["records"] = rejected[0].message
    if len(records) > MOST_RECORDS:
        problems["records"] = f"A test takes {MOST_RECORDS:,} records at most."
    if settings is None or problems:
        return _answer(problems=problems)
    if settings.method == "DELETE" and not sheet.confirm_delete:
        return _confirm(settings, records, base_url or BASE_URL)
    if notice:
        return _show_failure(place, notice)
    _note_in_audit_log(place, settings)
    try:
        client = hook.client(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retry=NO_RETRY)
        result = test_send(settings, [record.values for record in records], client, confirm_delete=sheet.confirm_delete)
    except (InsightlyError, ValueError, LookupError, AirflowException) as error:
        _note_in_server_log(place, settings, type(error).__name__)
        return _show_failure(place, _without_key(hook, _masked(settings, records, str(error))))
    _note_in_server_log(place, settings, "no request" if isinstance(result, Rejection) else result.outcome)
    if isinstance(result, Rejection):
        return _show_failure(place, f"No request was made: {_masked(settings, records, result.message)}")
    return _show_result(place, hook, settings, records, result)


def _read_settings(sheet: Sheet, base_url: str | None, problems: dict[str, str]) -> SendSettings | None:
    """Return the settings; where they cannot work, ``None``, and the mistake among the problems."""
    for name, value in sheet.settings.items():
        if isinstance(value, str) and len(value) > LONGEST_SETTING:
            problems[name] = f"{name} has {len(value):,} characters, the page takes {LONGEST_SETTING:,}."
            return None
    try:
        settings = read_settings(sheet.settings)
        if base_url:
            settings.check_host(base_url)
    except SettingError as error:
        problems[error.name] = str(error)
    except ValueError as error:  # of no one field
        problems["settings"] = str(error)
    else:
        return settings
    return None


def _read_records(sheet: Sheet, problems: dict[str, str]) -> list[Record | Rejection]:
    """Return the records, one more than are looked at where there are more; a mistake goes among the problems."""
    size = len(sheet.records.encode(errors="replace"))
    if size > LONGEST_TEXT:
        problems["records"] = f"These are {size:,} bytes, the page takes {LONGEST_TEXT:,}: paste fewer records."
        return []
    try:
        return list(islice(read_text(sheet.records, sheet.format or None), MOST_RECORDS + 1))
    except SourceError as error:
        problems["records"] = str(error)
        return []


def _read_staged(place: Place, target: InsightlyObject) -> list[dict[str, Any]]:
    if not place.dag.is_connector:
        return []
    with place.engine.connect() as connection:
        found = newest_records(connection, place.instance, target.name, PICKED)
    return [{target.id_field or "ID": record.ref.id, **record.data} for record in found]


def _find_base_url(place: Place) -> tuple[str | None, str]:
    """Return the address of the connection, or why it cannot be told."""
    try:
        return InsightlyHook(place.dag.conn_id).base_url, ""
    except (ValueError, LookupError, AirflowException) as error:
        return None, f"The connection {place.dag.conn_id!r} cannot be used: {error}"


def _show(sample: Sample, records: Sequence[Record | Rejection]) -> dict[str, Any]:
    """Return what the template shows of a sample."""
    chosen = [records[index] for index in sample.indices if index < len(records)]
    sources = [found.record if isinstance(found, Rejection) else found for found in chosen]
    values = [source.values for source in sources]
    return {
        "sample": sample,
        "path": sample.url.partition(BASE_PATH)[2] or sample.url,
        "places": _places(sources),
        "pretty": _pretty_text(sample.body),
        "source": _pretty(values[0] if len(values) == 1 else values),
    }


def _places(sources: Sequence[Record]) -> str:
    if len(sources) == 1:
        return sources[0].place
    return f"records {sources[0].index} to {sources[-1].index}" if sources else "no record"


def _pretty_text(body: str | None) -> str | None:
    """Return a body with line breaks; ``None`` where it has none or is no JSON, such as JSON Lines."""
    try:
        return None if body is None else _pretty(json.loads(body))
    except ValueError:
        return None


def _pretty(value: Any) -> str:
    try:
        return json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        return write_line(value) if isinstance(value, Mapping) else str(value)


def _confirm(settings: SendSettings, records: Sequence[Record | Rejection], base_url: str) -> Response:
    """Return the question that a deletion asks first, with what would be deleted."""
    samples = preview(settings, records, 2, base_url)
    if len(samples) != 1:
        return _answer(problems={"records": "A test deletes one record: leave one here."})
    if samples[0].problem:
        return _answer(problems={"records": samples[0].problem})
    return _answer(confirm=f"{samples[0].method} {samples[0].url}")


def _show_result(
    place: Place, hook: InsightlyHook, settings: SendSettings, records: Sequence[Record | Rejection], result: Result
) -> Response:
    target = settings.target
    ids = [record_id for record_id in result.record_ids if record_id]
    response = mask(result.response, settings.masked)
    html = render(
        place.request,
        "payload_answer.html",
        outcome=result.outcome,
        status=result.status,
        seconds=result.seconds,
        message=_without_key(hook, _masked(settings, records, result.message)),
        ids=[(record_id, _find_page(hook, settings, target, record_id)) for record_id in ids],
        response="" if response in (None, "") else _without_key(hook, _pretty(response)),
        quota=result.quota_remaining,
    )
    return _answer(html=html, outcome=result.outcome)


def _find_page(
    hook: InsightlyHook, settings: SendSettings, target: InsightlyObject | None, record_id: int
) -> str | None:
    return hook.record_url(target.name, record_id) if target and settings.method != "DELETE" else None


def _show_failure(place: Place, message: str) -> Response:
    nothing = {"status": None, "seconds": 0, "ids": [], "response": "", "quota": None}
    html = render(place.request, "payload_answer.html", outcome="failed", message=message, **nothing)
    return _answer(html=html, outcome="failed")


def _masked(settings: SendSettings, records: Sequence[Record | Rejection], text: str) -> str:
    for record in records:
        if isinstance(record, Record):
            text = mask_text(text, record.values, settings.masked)
    return text


def _without_key(hook: InsightlyHook, text: str) -> str:
    """Return a text that a server wrote without the API key, should it have sent it back."""
    for secret in secrets_of((hook.connection.password or "").strip()):
        text = text.replace(secret, MASKED)
    return text


def _note_in_audit_log(place: Place, settings: SendSettings) -> None:
    """Let Airflow's audit log say who sent test data where, before it is sent; what was sent stays out."""
    extra = {"method": settings.method, "url": settings.url, "conn_id": place.dag.conn_id}
    with create_session() as session:
        session.add(
            Log(
                "insightly_send_test_data",
                owner=place.user_name,
                owner_display_name=place.user_name,
                extra=json.dumps(extra),
                dag_id=place.dag.dag_id,
            )
        )


def _note_in_server_log(place: Place, settings: SendSettings, outcome: str) -> None:
    text = "%r sent test data from the page of %s: %s %s by the connection %s: %s"
    dag = place.dag
    log.info(text, place.user_name, dag.dag_id, settings.method, settings.url, dag.conn_id, outcome)


def _answer(**content: Any) -> Response:
    """Return JSON in ASCII: a record may hold half a character, which UTF-8 cannot."""
    return Response(json.dumps({"problems": {}, **content}), media_type="application/json")
