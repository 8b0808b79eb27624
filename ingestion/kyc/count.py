"""Control totals of identity vendors' answers on a path of their own: DuckDB's JSON reader over the stored text.

Belongs here: counting. It knows where each vendor keeps documents and reviews, and nothing of how they are read.
"""

import re
from collections.abc import Iterable
from functools import cache

import duckdb

_LINE = re.compile(rb"^[ \t\r]*[^\s]", re.MULTILINE)
_DOCUMENTS = {
    "sumsub": "json_array_length(answer, '$.info.idDocs')",
    "onfido": "0",
    "persona": "len(list_filter(json_extract_string(answer, '$.included[*].type'), "
    "lambda kind: kind = 'verification/government-id'))",
}
_REVIEWS = {
    "sumsub": "case when json_type(answer, '$.review') = 'OBJECT' "
    "and len(json_keys(answer, '$.review')) > 0 then 1 else 0 end",
    "onfido": "json_array_length(answer, '$.workflow_runs')",
    "persona": "1 + json_array_length(answer, '$.reports')",
}


def of_answers(vendor: str, answers: Iterable[str]) -> dict[str, int]:
    """How many documents and reviews the answers hold; an answer that is no JSON holds none."""
    query = f"""
        select
            coalesce(sum(coalesce({_DOCUMENTS[vendor]}, 0)), 0),
            coalesce(sum(coalesce({_REVIEWS[vendor]}, 0)), 0)
        from (select unnest($answers) as answer)
        where json_valid(answer)
    """  # noqa: S608 (expressions of this module, the answers are a parameter)
    documents, reviews = _connection().execute(query, {"answers": list(answers)}).fetchone()
    return {"documents": int(documents), "reviews": int(reviews)}


def lines(raw: bytes) -> int:
    """How many records a file of JSON lines holds."""
    return len(_LINE.findall(raw.removeprefix(b"\xef\xbb\xbf")))


def documents_in(bodies: Iterable[str]) -> int:
    """How many webhook bodies of Onfido bring the result of a document check."""
    query = (
        "select count(*) from (select unnest($bodies) as body) where json_valid(body) "
        "and json_type(body, '$.payload.resource.output.properties.document_type') <> 'NULL'"
    )
    return _connection().execute(query, {"bodies": list(bodies)}).fetchone()[0]


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """A database in memory for the counting of this process: making one costs more than a count."""
    return duckdb.connect()
