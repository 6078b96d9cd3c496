"""The DDL another account runs reads the same columns and files as our own table, through its access point alone."""

from mesh.plan.ddl import table_ddl
from mesh.plan.model import GlueColumn, Table
from tests.plan.golden import plan

HERE = Table(
    database="acme_dev",
    name="clicks",
    about="What's clicked\nin the \\ shop",
    location="s3://acme-lake-dev/clicks/data/",
    columns=(GlueColumn("id", "string"), GlueColumn("a `b`", "struct<x:int>")),
    partitions=(GlueColumn("year", "int"), GlueColumn("hour", "int")),
    parameters={"EXTERNAL": "TRUE", "storage.location.template": "s3://acme-lake-dev/clicks/data/year=${year}/hour=${hour}"},
)


def test_names_and_texts_stay_what_they_are() -> None:
    assert table_ddl(HERE, "acme-lake-dev") == (
        "CREATE EXTERNAL TABLE `clicks` (\n  `id` string, `a ``b``` struct<x:int>\n)\n"
        "COMMENT 'What\\'s clicked in the \\\\ shop'\n"
        "PARTITIONED BY (`year` int, `hour` int)\nSTORED AS PARQUET\n"
        "LOCATION 's3://<alias>/clicks/data/'\n"
        "TBLPROPERTIES ('storage.location.template' = 's3://<alias>/clicks/data/year=${year}/hour=${hour}')"
    )


def test_only_taps_that_other_accounts_read_have_one_and_it_never_names_the_bucket() -> None:
    points = {tap.name: tap.access_point for tap in plan("whole-prod").taps}
    clicks = points.pop("clicks")
    assert clicks is not None
    assert set(points.values()) == {None}
    assert ("acme-lake" in clicks.ddl, "_mesh" in clicks.ddl, "LOCATION 's3://<alias>/clicks/data/'" in clicks.ddl) == (False, False, True)
