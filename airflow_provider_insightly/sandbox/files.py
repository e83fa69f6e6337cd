"""Files and images: their bytes are kept as they came."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email import message_from_bytes
from email.policy import HTTP

from airflow_provider_insightly.api.address import BASE_PATH
from airflow_provider_insightly.sandbox.answers import Answer, ApiError, empty_answer, json_answer
from airflow_provider_insightly.sandbox.call import Call, Handler, read_id
from airflow_provider_insightly.sandbox.operations import page, read_date
from airflow_provider_insightly.sandbox.values import blank_record, read_body

FILES = "FileAttachments"

CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w-]+)?", re.ASCII)


def list_files(call: Call) -> Answer:
    """GET …/FileAttachments."""
    call.get_record()
    after = read_date(call, "updated_after_utc") if call.query.get("updated_after_utc") else None
    return page(call, call.selection(files_of(call), updated_after=after))


def add_file(call: Call) -> Answer:
    """POST …/FileAttachments: a multipart form with the file and, perhaps, its name, type and category."""
    form = read_form(call)
    # The vendor's own library names the part after the file.
    part = "file" if "file" in form else next((key for key, value in form.items() if value[0] is not None), None)
    if part is None:
        raise ApiError(400, "The form has no file.")
    name, content_type, content = form.pop(part)
    given = {key.upper(): value[2].decode(errors="replace") for key, value in form.items()}
    fields = read_body("FileAttachment", {"FILE_NAME": name or "file", "CONTENT_TYPE": content_type, **given})
    with call.store.transaction():
        call.get_record()
        number = call.store.next_number(FILES)
        record = {
            **blank_record("FileAttachment"),
            **fields,
            "FILE_ID": number,
            "FILE_SIZE": len(content),
            "OWNER_USER_ID": call.user_id,
            "DATE_CREATED_UTC": call.timestamp,
            "DATE_UPDATED_UTC": call.timestamp,
            "URL": f"{BASE_PATH}/{FILES}/{number}",
        }
        call.store.put(files_of(call), number, record, call.timestamp)
        call.store.save_content(FILES, number, files_of(call), record["CONTENT_TYPE"], content)
    return json_answer(201, record)


def get_file(call: Call) -> Answer:
    """GET /FileAttachments/{id}: the bytes."""
    file_id = file_number(call)
    place = call.store.content_name(FILES, file_id)
    found = call.store.content(FILES, file_id, place) if place else None
    if found is None:
        raise ApiError(404, f"File {file_id} was not found.")
    return download(*found)


def download(content_type: str, content: bytes) -> Answer:
    """Answer with the bytes of a file or image; a browser saves them and runs nothing in them."""
    kind = content_type if CONTENT_TYPE.fullmatch(content_type) else "application/octet-stream"
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Answer(200, content, kind, headers)


def remove_file(call: Call) -> Answer:
    """DELETE /FileAttachments/{id}."""
    file_id = file_number(call)
    with call.store.transaction():
        place = call.store.content_name(FILES, file_id)
        if place is None:
            raise ApiError(404, f"File {file_id} was not found.")
        call.store.remove_content(FILES, file_id, place)
        call.store.remove(place, file_id)
    return empty_answer(202)


def file_number(call: Call) -> int:
    """Return the file's id in the path."""
    number = read_id(call.parameters[0])
    if number is None:
        raise ApiError(404, f"File {call.parameters[0]!r} was not found.")
    return number


def files_of(call: Call) -> str:
    """Return the name under which the files of the call's record are kept."""
    return f"{FILES}/{call.obj.name}/{call.record_id}"


def read_form(call: Call) -> dict[str, tuple[str | None, str, bytes]]:
    """Return the parts of a multipart form by name: file name, content type, content."""
    content_type = call.headers.get("content-type", "")
    if not content_type.lower().startswith("multipart/form-data"):
        raise ApiError(400, "A multipart form is expected.")
    head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    message = message_from_bytes(head + call.body, policy=HTTP)
    form = {}
    for part in message.get_payload() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
        content = part.get_payload(decode=True)  # type: ignore[union-attr]
        if isinstance(name, str) and isinstance(content, bytes):
            form[name.lower()] = (part.get_filename(), part.get_content_type(), content)  # type: ignore[union-attr]
    return form


def get_image(call: Call) -> Answer:
    """GET …/Image and …/ImageField/{fieldName}: the bytes."""
    call.get_record()
    found = call.store.content(call.obj.name, call.record_id, image_name(call))
    if found is None:
        raise ApiError(404, f"{call.obj.type} {call.record_id} has no such image.")
    return download(*found)


def put_image(call: Call) -> Answer:
    """PUT …/Image/{filename} and …/ImageField/{fieldName}/{fileName}: the body is the image."""
    with call.store.transaction():
        record = call.get_record()
        content_type = call.headers.get("content-type", "application/octet-stream")
        call.store.save_content(call.obj.name, call.record_id, image_name(call), content_type, call.body)
        if image_name(call) == "Image" and "IMAGE_URL" in record:
            record["IMAGE_URL"] = f"{BASE_PATH}/{call.obj.name}/{call.record_id}/Image"
        call.save(call.obj, call.record_id, record)
    return json_answer(201, [record])


def remove_image(call: Call) -> Answer:
    """DELETE …/Image and …/ImageField/{fieldName}."""
    with call.store.transaction():
        record = call.get_record()
        if not call.store.remove_content(call.obj.name, call.record_id, image_name(call)):
            raise ApiError(404, f"{call.obj.type} {call.record_id} has no such image.")
        if image_name(call) == "Image" and "IMAGE_URL" in record:
            record["IMAGE_URL"] = None
        call.save(call.obj, call.record_id, record)
    return empty_answer(202)


def image_name(call: Call) -> str:
    """Return the name under which the image of a path is kept."""
    return f"ImageField/{call.parameters[1].lower()}" if "/ImageField/" in call.operation.path else "Image"


HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", "/*/{id}/FileAttachments"): list_files,
    ("POST", "/*/{id}/FileAttachments"): add_file,
    ("GET", "/*/{id}/Image"): get_image,
    ("PUT", "/*/{id}/Image/{filename}"): put_image,
    ("DELETE", "/*/{id}/Image"): remove_image,
    ("GET", "/*/{id}/ImageField/{fieldName}"): get_image,
    ("PUT", "/*/{id}/ImageField/{fieldName}/{fileName}"): put_image,
    ("DELETE", "/*/{id}/ImageField/{fieldName}"): remove_image,
    ("GET", "/FileAttachments/{id}"): get_file,
    ("DELETE", "/FileAttachments/{id}"): remove_file,
}
