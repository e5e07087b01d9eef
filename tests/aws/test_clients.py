"""Clients of AWS: what costs time to make one is shared, who asks is not."""

from planlake.lake.aws.clients import client


def test_descriptions_of_a_service_are_read_once_and_keys_for_each_client(stand_ins, monkeypatch):
    read = []
    client("glue", stand_ins.properties)
    monkeypatch.setattr("botocore.loaders.JSONFileLoader.load_file", lambda _, path: read.append(path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another-key")
    made = client("glue", stand_ins.properties)
    assert read == []
    assert made._request_signer._credentials.access_key == "another-key"
