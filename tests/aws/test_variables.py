"""What a container of AWS sets is enough: the region and the endpoints by their variables, keys by a role."""

from conftest import feeding
from flow.ingest.served import DAY_1, PATIENCE, TWO_KINDS, two_kinds
from planlake.lake.aws.clients import client, of_s3, region_of

SETTINGS = f"""{TWO_KINDS}\
settings: {{{PATIENCE}, concurrency: 1, table_concurrency: 1, rejected_percent: 100, uncastable_percent: 100}}
environments:
  aws: {{catalog: {{type: glue}}, warehouse: "s3://BUCKET/bare/", database_prefix: bare-}}
"""


def test_a_lake_without_properties_is_found_by_variables(stand_ins, bucket, tmp_path, capfd):
    with feeding(two_kinds(5), tmp_path, SETTINGS.replace("BUCKET", bucket)) as feed:
        assert feed.run_at(DAY_1).exit_code == 0
        assert len(feed.rows("from numbered")) == 6
    assert "resolve region" not in capfd.readouterr().err


def test_a_region_is_that_of_the_service_of_all_or_of_the_variable(stand_ins, monkeypatch):
    assert region_of({"glue.region": "eu-west-1"}) == region_of({"glue.region": "eu-west-1"}, "sts") == "eu-west-1"
    assert region_of({"s3.region": "us-east-1", "client.region": "eu-west-3"}, "glue") == "eu-west-3"
    assert region_of({}) == "eu-west-2"
    assert client("sts", {}).meta.region_name == "eu-west-2"
    monkeypatch.delenv("AWS_REGION")
    assert region_of({}) == ""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://one")
    assert of_s3({"s3.region": "eu-west-1"}) == {"s3.endpoint": "http://one"}
    assert of_s3({"s3.endpoint": "http://two", "s3.region": "eu-west-1"}) == {}
