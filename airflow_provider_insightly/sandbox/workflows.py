"""What moves a record along: pipelines and stages, activity sets, documents, translations."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_insightly.sandbox.answers import Answer, ApiError, empty_answer, json_answer
from airflow_provider_insightly.sandbox.call import Call, Handler
from airflow_provider_insightly.sandbox.operations import read_fields
from airflow_provider_insightly.sandbox.records import Record
from airflow_provider_insightly.sandbox.selections import Selection
from airflow_provider_insightly.sandbox.values import blank_record, mailbox, read_body


def change_pipeline(call: Call) -> Answer:
    """PUT …/Pipeline: the record enters a pipeline at a stage, its first unless told."""
    change = read_body("PipelineChange", call.json_object())
    pipeline_id = change.get("PIPELINE_ID")
    stage_id = (change.get("PIPELINE_STAGE_CHANGE") or {}).get("STAGE_ID")
    with call.store.transaction():
        record = call.get_record()
        stages = call.store.records(Selection("PipelineStages", field="PIPELINE_ID", value=pipeline_id))
        if not stages:
            raise ApiError(400, f"There is no pipeline {pipeline_id}.")
        if stage_id is None:
            stage_id = min(stages, key=lambda stage: int(stage["STAGE_ORDER"]))["STAGE_ID"]
        elif stage_id not in [stage["STAGE_ID"] for stage in stages]:
            raise ApiError(400, f"Pipeline {pipeline_id} has no stage {stage_id}.")
        set_pipeline(call, record, pipeline_id, stage_id)
    stage_change = {**blank_record("PipelineStageChange"), "STAGE_ID": stage_id}
    return json_answer(200, [{"PIPELINE_ID": pipeline_id, "PIPELINE_STAGE_CHANGE": stage_change}])


def change_stage(call: Call) -> Answer:
    """PUT …/PipelineStage: another stage of the record's pipeline."""
    stage_id = read_body("PipelineStageChange", call.json_object()).get("STAGE_ID")
    with call.store.transaction():
        record = call.get_record()
        stage = call.store.get("PipelineStages", stage_id) if stage_id is not None else None
        if stage is None or record.get("PIPELINE_ID", stage["PIPELINE_ID"]) != stage["PIPELINE_ID"]:
            raise ApiError(400, f"The record's pipeline has no stage {stage_id}.")
        set_pipeline(call, record, stage["PIPELINE_ID"], stage_id)
    return json_answer(200, [{**blank_record("PipelineStageChange"), "STAGE_ID": stage_id}])


def leave_pipeline(call: Call) -> Answer:
    """DELETE …/Pipeline."""
    with call.store.transaction():
        set_pipeline(call, call.get_record(), None, None)
    return empty_answer(202)


def set_pipeline(call: Call, record: Record, pipeline_id: int | None, stage_id: int | None) -> None:
    """Write the pipeline and stage of a record; a lead's do not show in it."""
    if "PIPELINE_ID" in record:
        record.update(PIPELINE_ID=pipeline_id, STAGE_ID=stage_id)
    call.save(call.obj, call.record_id, record)


def assign_activities(call: Call) -> Answer:
    """POST …/ActivitySetAssignment: the set's tasks and events begin for the record."""
    assignment = read_body("ActivitySetAssignment", call.json_object())
    call.get_record()
    if call.store.get_text("ActivitySets", assignment.get("ACTIVITYSET_ID") or -1) is None:
        raise ApiError(400, f"There is no activity set {assignment.get('ACTIVITYSET_ID')}.")
    return json_answer(201, {**blank_record("ActivitySetAssignment"), **assignment})


def merge_document(call: Call) -> Answer:
    """POST …/MergeDocument/{documentTemplateId}: the document itself is not made here."""
    record = call.get_record()
    template_id = call.id_parameter(len(call.parameters) - 1)
    if call.store.get_text("DocumentTemplates", template_id) is None:
        raise ApiError(404, f"There is no document template {template_id}.")
    return json_answer(200, [record])


def get_translation(call: Call) -> Answer:
    """GET …/Translations/{language}."""
    call.get_record()
    found = call.store.get(f"Translations/{call.obj.name}/{call.parameters[-1].lower()}", call.record_id)
    return json_answer(200, [found] if found else [])


def put_translation(call: Call) -> Answer:
    """PUT and POST …/Translations/{language}."""
    body = call.json_object()
    with call.store.transaction():
        record = call.get_record()
        translation = {**record, **read_fields(call, call.obj, body, record)}
        if "Language" in translation:
            translation["Language"] = call.parameters[-1]
        place = f"Translations/{call.obj.name}/{call.parameters[-1].lower()}"
        call.store.put(place, call.record_id, translation, call.timestamp)
    return json_answer(201 if call.operation.method == "POST" else 200, [translation])


def get_link_address(call: Call) -> Answer:
    """GET …/LinkEmailAddress: mail to this address is kept with the record."""
    call.get_record()
    return json_answer(200, {"EMAIL": mailbox(call.obj.type, call.record_id)})


HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("PUT", "/*/{id}/Pipeline"): change_pipeline,
    ("DELETE", "/*/{id}/Pipeline"): leave_pipeline,
    ("PUT", "/*/{id}/PipelineStage"): change_stage,
    ("POST", "/*/{id}/ActivitySetAssignment"): assign_activities,
    ("POST", "/*/{id}/MergeDocument/{documentTemplateId}"): merge_document,
    ("GET", "/*/{id}/Translations/{language}"): get_translation,
    ("PUT", "/*/{id}/Translations/{language}"): put_translation,
    ("POST", "/*/{id}/Translations/{language}"): put_translation,
    ("GET", "/*/{id}/LinkEmailAddress"): get_link_address,
}
