"""What a look-back was made of, and what it made: enough to make it again and to see that it is the same.

Belongs here: fingerprints. No clock, no run id and no path of a machine is in it, so that it too is the same again.
"""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration import dbt as dbt_project
from orchestration.look_back.request import Plan

# The sum over rows of the first 15 hexadecimal digits of the MD5 of their values: the same in any order.
_FINGERPRINT = """
select count(*), coalesce(sum(cast(('0x' || substr(md5(concat_ws('|', {values})), 1, 15)) as hugeint)), 0)
from {table}
where {known} <= ? and _dlt_load_id in (select load_id from {schema}._dlt_loads where status = 0)
"""


def inputs(connection: duckdb.DuckDBPyConnection, plan: Plan) -> list[dict[str, Any]]:
    """Rows and fingerprint of every raw table, over what was known at the instant that was rebuilt."""
    look = (
        "select schema_name, table_name from duckdb_tables() where starts_with(schema_name, 'raw_') "
        "and not ends_with(schema_name, '_staging') and not starts_with(table_name, '_dlt') order by all"
    )
    found = []
    for schema, table in connection.execute(look).fetchall():
        columns = [name for name in connection.table(f'{schema}."{table}"').columns if not name.startswith("_dlt")]
        query = _FINGERPRINT.format(
            values=", ".join(f"""coalesce(cast("{name}" as varchar), '~null~')""" for name in columns),
            table=f'{schema}."{table}"',
            known="known_at" if table == "control_totals" else "_known_at",
            schema=schema,
        )
        ((rows, fingerprint),) = connection.execute(query, [plan.knowledge]).fetchall()
        found.append({"table": f"{schema}.{table}", "rows": rows, "fingerprint": f"{fingerprint:x}"})
    return found


def make(plan: Plan, tables: dict[str, pa.Table], raw: list[dict[str, Any]], files: list[Path]) -> dict[str, Any]:
    """The manifest, as JSON takes it. `files`: what was written so far; their hashes are in it."""
    request = plan.request
    return {
        "question": {
            "period": [request.first.isoformat(), request.last.isoformat()],
            "known_as_of": request.known_as_of.isoformat() if request.known_as_of else "now",
            "knowledge": plan.knowledge.isoformat(),
            "compared_with_alerts_raised_by": plan.then.isoformat(),
            "scenarios": list(request.scenarios),
            "subjects": {"count": len(request.subjects), "sha256": _sha256("\n".join(request.subjects))},
            "steps": [
                {"scenario_id": step.scenario_id, "parameter_code": step.parameter_code,
                 "context": list(step.context), "value": format(step.value, "f")}
                for step in request.steps
            ],
        },
        "code": {
            "plumbline": version("plumbline"), "dbt_project": dbt_project.code_version(),
            "dbt": version("dbt-core"), "duckdb": version("duckdb"), "python": platform.python_version(),
        },
        "parameters": {"rows": tables["parameters"].num_rows, "sha256": _sha256(str(tables["parameters"].to_pylist()))},
        "inputs": raw,
        "tables": {name: table.num_rows for name, table in sorted(tables.items())},
        "files": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)},
    }  # fmt: skip


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
