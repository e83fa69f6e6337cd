from airflow_provider_insightly.api.catalogue import operations
from airflow_provider_insightly.sandbox.handlers import find_handler


def test_every_operation_of_the_vendors_document_is_served():
    assert [operation for operation in operations() if not callable(find_handler(operation))] == []
