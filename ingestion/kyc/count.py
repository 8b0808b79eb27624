"""Control totals of identity vendors' answers on a path of their own: DuckDB's JSON reader over the stored text.

Belongs here: counting. It knows where each vendor keeps documents and reviews, and nothing of how they are read.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from functools import cache

import duckdb

from ingestion import wire

_LINE = re.compile(rb"^[ \t\r]*[^\s]", re.MULTILINE)
_IDS = "list_transform(json_extract(answer, '{}'), lambda one: one ->> '$.id')"
_APPLICANT = {"sumsub": "$.id", "onfido": "$.applicant.id", "persona": "$.inquiry.id"}
_DOCUMENTS = {
    "sumsub": "list_transform(range(1, cast(coalesce(json_array_length(answer, '$.info.idDocs'), 0) as bigint) + 1), "
    "lambda number: (answer ->> '$.id') || ':' || number)",
    "onfido": "[]",
    "persona": "list_transform(list_filter(json_extract(answer, '$.included[*]'), "
    "lambda one: one ->> '$.type' = 'verification/government-id'), lambda one: one ->> '$.id')",
}
_REVIEWS = {
    "sumsub": "case when json_type(answer, '$.review') = 'OBJECT' and len(json_keys(answer, '$.review')) > 0 "
    "then [coalesce(nullif(trim(answer ->> '$.review.reviewId'), ''), (answer ->> '$.id') || ':review')] else [] end",
    "onfido": _IDS.format("$.workflow_runs[*]"),
    "persona": f"list_concat([answer ->> '$.inquiry.id'], {_IDS.format('$.reports[*]')})",
}


def of_answers(vendor: str, answers: Iterable[str]) -> list[dict[str, list[str]]]:
    """By table the keys of what each answer holds: the applicant itself, its documents and its reviews. An answer that
    is no JSON is an applicant without any."""
    answers = list(answers)
    query = f"""
        select place, answer ->> '{_APPLICANT[vendor]}', {_DOCUMENTS[vendor]}, {_REVIEWS[vendor]}
        from (select unnest($answers) as answer, generate_subscripts($answers, 1) as place)
        where json_valid(answer)
    """  # noqa: S608 (expressions of this module, the answers are a parameter)
    found = {place: said for place, *said in _connection().execute(query, {"answers": answers}).fetchall()}
    tables = []
    for place in range(1, len(answers) + 1):
        applicant, documents, reviews = found.get(place, (None, [], []))
        keys = {"applicants": [applicant], "documents": documents or [], "reviews": reviews or []}
        tables.append({table: [wire.key(one) for one in ones] for table, ones in keys.items()})
    return tables


def webhook(line: bytes) -> str:
    """The key of a webhook: the digest of its body, byte for byte; empty where the line has none."""
    kept = wire.document(line)
    try:
        if (coded := wire.said(kept, "body_base64")) is not None:
            body = base64.b64decode(coded, validate=True)
        else:
            body = (wire.said(kept, "body") or "").encode()
    except (binascii.Error, ValueError):
        body = b""
    return hashlib.sha256(body).hexdigest() if body else ""


def lines(raw: bytes) -> int:
    """How many records a file of JSON lines holds."""
    return len(_LINE.findall(raw.removeprefix(b"\xef\xbb\xbf")))


def documents_in(bodies: Iterable[str]) -> list[str]:
    """The keys of the documents whose check webhook bodies of Onfido bring the result of."""
    resource = "body ->> '$.payload.resource.{}'".format
    query = f"""
        select coalesce(
            nullif(trim({resource("output.uuid")}), ''),
            coalesce({resource("workflow_run_id")}, '') || ':' || coalesce({resource("id")}, '')
        )
        from (select unnest($bodies) as body) where json_valid(body)
            and json_type(body, '$.payload.resource.output.properties.document_type') <> 'NULL'
    """  # noqa: S608 (expressions of this module, the bodies are a parameter)
    return [key for (key,) in _connection().execute(query, {"bodies": list(bodies)}).fetchall()]


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """A database in memory for the counting of this process: making one costs more than a count."""
    return duckdb.connect()
