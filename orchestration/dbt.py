"""The dbt project as Dagster sees it.

Belongs here: the prepared manifest, asset keys, groups and owners of models, one invocation of dbt. Not here: the SQL
(dbt_project/).
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import AssetExecutionContext, AssetKey, Output
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject
from dagster_dbt.core.dbt_cli_invocation import DbtCliInvocation
from dagster_dbt.core.dbt_event_iterator import DbtEventIterator

from orchestration import lineage, progress
from orchestration.home import REPOSITORY, home, target

if TYPE_CHECKING:  # dbt takes a second to import
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

PROJECT = REPOSITORY / "dbt_project"
# The dbt of this environment, also where the environment is not on the PATH.
EXECUTABLE = str(Path(sys.executable).with_name("dbt"))
KEPT_INVOCATIONS = 5


class DbtModelError(Exception):
    """dbt could not build a model, seed or snapshot: the run did not finish."""


class ModelTranslator(DagsterDbtTranslator):
    """Asset key = [schema, table]; group = layer; owner from `meta.owner`."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        name = dbt_resource_props.get("alias") or dbt_resource_props.get("identifier") or dbt_resource_props["name"]
        return AssetKey([dbt_resource_props["schema"], name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return dbt_resource_props["schema"]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str] | None:
        config = dbt_resource_props.get("config") or {}
        owner = {**(dbt_resource_props.get("meta") or {}), **(config.get("meta") or {})}.get("owner")
        return [owner] if owner else None


def artifacts() -> Path:
    """Where dbt's manifest and each invocation's artifacts lie, below the data directory."""
    return home() / "dbt" / target()


def prepared_project() -> DbtProject:
    """The project with a manifest made from the files as they are now.

    `dbt parse` takes seconds, so it runs only when a file of the project, the target or dbt's version changed. Raises
    RuntimeError with dbt's own words when the project does not parse.
    """
    folder = artifacts()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".parse.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = folder / ".parsed", _fingerprint()
        if not (folder / "manifest.json").exists() or not stamp.exists() or stamp.read_text() != wanted:
            progress.report("dbt: reading the project")
            _parse(folder)
            stamp.write_text(wanted)
    return DbtProject(PROJECT, target_path=folder, profiles_dir=PROJECT, target=target())


def _fingerprint() -> str:
    from importlib.metadata import version

    of = f"{version('dbt-core')} {version('dagster-dbt')} {target()} {PROJECT} {code_version()}"
    return hashlib.sha256(of.encode()).hexdigest()


def code_version() -> str:
    """SHA-256 over the files of the project: the version of all logic, parameters and maps, wherever it lies."""
    digest = hashlib.sha256()
    for path in sorted(PROJECT.rglob("*")):
        if path.is_file() and not {"target", "logs"} & set(path.relative_to(PROJECT).parts):
            digest.update(path.relative_to(PROJECT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _parse(folder: Path) -> None:
    command = [EXECUTABLE, "--quiet", "parse", "--target", target()]
    environment = {
        **os.environ,
        "DBT_TARGET_PATH": str(folder),
        "DBT_LOG_PATH": str(folder),
        "PLUMBLINE_HOME": str(home()),
    }
    result = subprocess.run(
        [*command, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(f"dbt cannot read the project in {PROJECT.name}:\n{result.stdout}{result.stderr}")


def here(
    root: Path,
    target_path: Path,
    *arguments: str,
    manifest: "Manifest | None" = None,
    callbacks: Sequence[Callable[..., None]] = (),
) -> "dbtRunnerResult":
    """One dbt command in this process, on the DuckDB warehouse of `root`, which is let go of afterwards.

    With a `manifest` the project is not read again, which takes longer than most of what a command does then.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target", "duckdb"]
    files = ["--target-path", str(target_path), "--log-path", str(target_path), "--log-level-file", "none"]
    kept = os.environ.get("PLUMBLINE_HOME")
    os.environ["PLUMBLINE_HOME"] = str(root)  # where the profile finds the warehouse
    try:
        runner = dbtRunner(manifest=manifest, callbacks=list(callbacks))
        return runner.invoke(["--quiet", *arguments, *places, *files])
    finally:
        os.environ.pop("PLUMBLINE_HOME") if kept is None else os.environ.__setitem__("PLUMBLINE_HOME", kept)
        if DuckDBConnectionManager._ENV is not None:  # it keeps the file open, with settings of its own
            DuckDBConnectionManager.env().close()
            DuckDBConnectionManager.close_all_connections()


def build(
    context: AssetExecutionContext,
    dbt: DbtCliResource,
    as_of: str | None,
    columns: Callable[[], Mapping[tuple[str, str], lineage.Columns]],
) -> Iterator[Any]:
    """One `dbt build` of what the run selected; yields Dagster's events, with columns and their lineage.

    `columns` tells what stands in the warehouse, and is called before dbt takes hold of it and after dbt has let go. A
    failed test is a failed check and no exception, so that every other test is still seen. Raises DbtModelError where a
    model could not be built, and dbt's own error where dbt did not get that far.
    """
    cache = lineage.LineageCache(artifacts() / "lineage.json")
    before = columns()
    arguments = ["build"]
    if as_of:  # only when asked for: another set of vars makes dbt read the whole project again
        arguments += ["--vars", f'{{"as_of": "{as_of}"}}']
    invocation = dbt.cli(arguments, context=context, raise_on_error=False)
    events = list(_watched(invocation, _Forerunner(invocation, before, cache)))
    progress.report("dbt: columns and their lineage")
    yield from _with_columns(events, invocation, columns(), cache)
    _forget_old_invocations()
    _raise_for_models(invocation)


def _with_columns(
    events: list[Any],
    invocation: DbtCliInvocation,
    columns: Mapping[tuple[str, str], lineage.Columns],
    cache: lineage.LineageCache,
) -> Iterator[Any]:
    manifest = invocation.manifest
    compiled = invocation.target_path / "compiled"
    for event in events:
        if isinstance(event, Output):
            node = manifest["nodes"][event.metadata["unique_id"].value]
            found = lineage.metadata_of(node, manifest, columns, compiled, cache)
            event = event.with_metadata({**event.metadata, **found})
        yield event
    cache.save()


class _Forerunner:
    """Finds the lineage of each model while dbt, in its own process, builds the next: all of them take ten seconds.

    dbt has the warehouse to itself meanwhile, so a model's columns are those that its SQL selects.
    """

    def __init__(
        self,
        invocation: DbtCliInvocation,
        columns: Mapping[tuple[str, str], lineage.Columns],
        cache: lineage.LineageCache,
    ):
        self._invocation, self._cache, self._columns = invocation, cache, dict(columns)

    def built(self, unique_id: str) -> None:
        manifest = self._invocation.manifest
        node = manifest["nodes"].get(unique_id)
        if node is None or node["resource_type"] not in ("model", "seed"):
            return
        compiled = self._invocation.target_path / "compiled"
        found = lineage.of_model(node, manifest, self._columns, compiled, self._cache)
        names = node["columns"] if found is None else found
        if names:
            self._columns[lineage.relation(node)] = dict.fromkeys(names, "")


def _watched(invocation: DbtCliInvocation, forerunner: _Forerunner) -> DbtEventIterator:
    """The invocation's stream, reporting each node as dbt finishes it."""
    raw = invocation.stream_raw_events

    def reporting():
        for event in raw():
            node = event.raw_event["data"].get("node_info") or {}
            if event.is_result_event:
                data = event.raw_event["data"]
                progress.report(f"dbt: {data.get('index', '')}/{data.get('total', '')} {node.get('node_name', '')}")
                forerunner.built(node.get("unique_id", ""))
            yield event

    invocation.stream_raw_events = reporting
    return invocation.stream()


def _raise_for_models(invocation: DbtCliInvocation) -> None:
    try:
        results = invocation.get_artifact("run_results.json")["results"]
    except FileNotFoundError:
        raise invocation.get_error() or DbtModelError("dbt wrote no results") from None
    broken = [r for r in results if r["status"] == "error" and not r["unique_id"].startswith(("test.", "unit_test."))]
    if broken:
        reasons = "\n".join(f"{r['unique_id']}: {' '.join((r.get('message') or '').split())}" for r in broken)
        raise DbtModelError(f"dbt could not build {len(broken)} of its nodes:\n{reasons}")


def _forget_old_invocations() -> None:
    folders = [path for path in artifacts().iterdir() if (path / "run_results.json").exists()]
    for path in sorted(folders, key=lambda path: path.stat().st_mtime)[:-KEPT_INVOCATIONS]:
        shutil.rmtree(path, ignore_errors=True)
