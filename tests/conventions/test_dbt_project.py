"""The written rules of the dbt project: names, grain, owners, contracts, descriptions, lineage."""

import csv
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from record_hashes import record_keys

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = REPOSITORY / "dbt_project"
CHECKS = REPOSITORY / "checks"
PREFIX = {
    "staging": r"stg_[a-z]+(_[a-z]+)*__[a-z_0-9]+",
    "intermediate": r"int_[a-z_0-9]+",
    "features": r"feat_[a-z_]+__[a-z_0-9]+",
    "scenarios": r"scn_tm\d\d_[a-z_0-9]+",
    "marts": r"(dim|fct|kri)_[a-z_0-9]+",
    "restricted": r"(dim|fct)_[a-z_0-9]+",
}
PUBLIC = ("features", "scenarios", "marts", "restricted")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The parsed project."""
    target = tmp_path_factory.mktemp("dbt")
    result = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "--quiet", "parse", "--no-partial-parse"],
        cwd=PROJECT,
        env={
            **os.environ,
            "DBT_PROFILES_DIR": str(PROJECT),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target),
            "PLUMBLINE_HOME": str(target),
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads((target / "manifest.json").read_text())


@pytest.fixture(scope="module")
def models(manifest: dict) -> list[dict]:
    found = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(found) > 50
    return found


def layer(model: dict) -> str:
    return model["fqn"][1]


def test_models_are_named_by_their_layer(models: list[dict]):
    wrong = [m["name"] for m in models if not re.fullmatch(PREFIX[layer(m)], m["name"])]
    assert wrong == []


def test_models_say_their_grain_and_owner(models: list[dict]):
    no_grain = [m["name"] for m in models if "grain" not in m["description"].lower()]
    no_owner = [m["name"] for m in models if not m["config"]["meta"].get("owner")]
    assert (no_grain, no_owner) == ([], [])


def test_public_models_have_a_contract_and_describe_every_column(models: list[dict]):
    for model in models:
        if layer(model) in PUBLIC:
            assert model["config"]["contract"]["enforced"], f"{model['name']} has no enforced contract"
            bare = [c["name"] for c in model["columns"].values() if not c["description"].strip()]
            assert not bare and model["columns"], f"{model['name']}: columns without a description: {bare}"


def test_money_is_never_a_float(models: list[dict]):
    for model in models:
        for column in model["columns"].values():
            kind = (column.get("data_type") or "").lower()
            assert kind not in {"double", "float", "real"}, f"{model['name']}.{column['name']} is {kind}"


def test_staging_has_one_source_and_no_join(models: list[dict]):
    """Control models aside (they are unions over the feeds), a staging model reads one raw table."""
    for model in models:
        if layer(model) == "staging" and "control" not in model["fqn"]:
            tables = {
                s for s in model["depends_on"]["nodes"] if s.startswith("source.") and not s.endswith("_dlt_loads")
            }
            assert len(tables) == 1, f"{model['name']} reads {tables}"
            code = re.sub(r"--.*|\{#.*?#\}", "", model["raw_code"], flags=re.S)
            assert not re.search(r"\bjoin\b", code, re.I), f"{model['name']} joins"


def test_sources_know_their_asset(manifest: dict):
    for source in manifest["sources"].values():
        meta = {**source.get("meta", {}), **source["config"].get("meta", {})}
        if not source["identifier"].startswith("_dlt"):
            assert meta["dagster"]["asset_key"] == [source["schema"], source["identifier"]], source["unique_id"]


def test_every_raw_table_and_every_mart_has_a_contract_file(manifest: dict, models: list[dict]):
    wanted = {
        f"{s['schema']}/{s['identifier']}.yml"
        for s in manifest["sources"].values()
        if not s["identifier"].startswith("_dlt")
    }
    wanted |= {f"marts/{m['name']}.yml" for m in models if layer(m) == "marts"}
    present = {path.relative_to(CHECKS).as_posix() for path in CHECKS.rglob("*.yml")}
    assert wanted - present == set()


def test_contract_files_mirror_a_dataset(manifest: dict, models: list[dict]):
    known = {(s["schema"], s["identifier"]) for s in manifest["sources"].values()}
    known |= {(m["schema"], m["name"]) for m in models}
    for path in CHECKS.rglob("*.yml"):
        schema, table = path.parent.name, path.stem
        assert (schema, table) in known, f"{path.relative_to(REPOSITORY)} checks a table that nobody makes"
        assert yaml.safe_load(path.read_text())["dataset"] == f"warehouse/{schema}/{table}"


def test_every_model_is_tested(manifest: dict, models: list[dict]):
    tested = {
        node
        for test in manifest["nodes"].values()
        if test["resource_type"] in ("test", "unit_test")
        for node in test["depends_on"]["nodes"]
    }
    contracted = {path.stem for path in CHECKS.rglob("*.yml")}
    untested = [m["name"] for m in models if m["unique_id"] not in tested and m["name"] not in contracted]
    assert untested == []


def test_no_business_number_in_scenario_sql(models: list[dict]):
    """Thresholds are rows of a reviewed seed: a scenario's SQL holds no number but 0, 1 and 2."""
    for model in models:
        if layer(model) == "scenarios":
            code = re.sub(r"--.*|/\*.*?\*/|\{#.*?#\}|'[^']*'", "", model["raw_code"], flags=re.S)
            code = re.sub(r"(decimal|varchar)\s*\([^)]*\)|\b\w*[a-z_]\w*\b", "", code, flags=re.I)
            numbers = set(re.findall(r"\b\d+(?:\.\d+)?\b", code)) - {"0", "1", "2"}
            assert not numbers, f"{model['name']} holds {numbers}"


def test_singular_tests_belong_to_an_asset(manifest: dict):
    """Without an asset a failed singular test is a note in the event log, and no failed check: nothing would stop."""
    homeless = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and not node.get("test_metadata")
        and not node["config"]["meta"].get("dagster", {}).get("ref")
    ]
    assert homeless == []


def test_every_table_with_control_totals_has_a_record_hash():
    """No table is without one. A table that cannot have one needs a list of exceptions here, each with its reason."""
    with (PROJECT / "seeds/feed_tables.csv").open() as stream:
        tables = {f"{row['feed_code']}.{row['table_name']}" for row in csv.DictReader(stream)}
    assert set(record_keys()) == tables


def test_the_record_hash_of_a_canonical_table_is_over_its_key():
    """The loader of canonical files and the warehouse hash the same columns, and an amount where the loader has one."""
    keys = record_keys()
    for feed in ("exchange", "kyc", "cases", "prices", "behaviour"):
        for table in importlib.import_module(f"ingestion.{feed}.parse").TABLES:
            said = keys[f"{feed}.{table.name}"]
            assert tuple(said["raw"]) == table.key, f"{feed}.{table.name}"
            assert said.get("amount", False) == (table.amount is not None), f"{feed}.{table.name}"


def test_record_keys_are_columns(models: list[dict]):
    """A staged key is as long as the raw one, of columns that the staging model selects."""
    code = {model["name"]: model["raw_code"] for model in models}
    for table, said in record_keys().items():
        staged = said.get("staged", said["raw"])
        assert len(staged) in (0, len(said["raw"])), table
        missing = [c for c in staged if not re.search(rf"\b{c}\b", code[f"stg_{table.replace('.', '__')}"])]
        assert not missing, f"{table}: {missing}"
