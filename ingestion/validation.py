"""Whether each value of a canonical table is what the format allows: exact casts, rules, and reasons.

Nothing is coerced: `1e5`, `1,000.00`, a 19th decimal or `Completed` is a reject, never a guess.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.assets import known_assets
from ingestion.tabular import Column, Table, type_name

TIMESTAMP_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|\+00:00)?$"
DATE_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def decimal_pattern(declared: pa.DataType) -> str:
    """Plain digits that fit decimal(precision, scale): no exponent, no thousands separator, no plus sign."""
    whole = declared.precision - declared.scale
    return rf"^-?[0-9]{{1,{whole}}}(\.[0-9]{{1,{declared.scale}}})?$"


@dataclass
class Verdict:
    """`values`: the typed columns, null where a value cannot be read. `problems`: per row number, the reason codes and
    sentences, in column order. Rows without a problem are good."""

    values: pa.Table
    problems: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, column: str, bad: pa.Array, code: str, says: Callable[[object], str], shown: pa.Array) -> None:
        for row in np.flatnonzero(bad.to_numpy(zero_copy_only=False)):
            value = shown[int(row)].as_py()
            text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
            self.problems.setdefault(int(row), []).append((code, f"{column} {says(text)}"))


def validate(table: Table, raw: pa.Table) -> Verdict:
    """Casts and checks every column of `raw` (as `tabular.read` returns it, one chunk a column)."""
    verdict = Verdict(pa.table({}))
    typed = []
    for column in table.columns:
        stored = _one_chunk(raw.column(column.name))
        values = _typed(column, stored, verdict)
        _check(column, stored, values, verdict)
        typed.append(values)
    verdict.values = pa.table(typed, names=[column.name for column in table.columns])
    return verdict


def _typed(column: Column, stored: pa.Array, verdict: Verdict) -> pa.Array:
    if not pa.types.is_binary(stored.type):
        return _cast(column, stored, stored, verdict)
    text = _decoded(column, stored, verdict)
    declared = column.type
    if pa.types.is_string(declared):
        return text
    if pa.types.is_boolean(declared):
        right = pc.is_in(text, pa.array(["true", "false"]))
    elif pa.types.is_decimal(declared):
        right = pc.match_substring_regex(text, decimal_pattern(declared))
    elif pa.types.is_timestamp(declared):
        right = pc.match_substring_regex(text, TIMESTAMP_PATTERN)
    else:
        right = pc.match_substring_regex(text, DATE_PATTERN)
    wrong = _true(pc.invert(_true(right)), text)
    if pc.any(wrong).as_py():
        verdict.add(column.name, wrong, *_not_a(declared), stored)
        text = pc.if_else(wrong, None, text)
    if pa.types.is_timestamp(declared):
        text = pc.utf8_rtrim(pc.replace_substring(text, "+00:00", ""), "Z")
    return _cast(column, text, stored, verdict)


def _decoded(column: Column, stored: pa.Array, verdict: Verdict) -> pa.Array:
    """Binary as text; what is not UTF-8 or holds a NUL byte is null and a problem."""
    says = "has a byte that is not UTF-8 text or is NUL: {0!r}".format
    try:
        text = stored.cast(pa.string())
        wrong = pc.match_substring(text, "\0")
    except pa.ArrowInvalid:
        decoded = [_utf8(value) for value in stored.to_pylist()]
        text = pa.array(decoded, pa.string())
        wrong = pc.or_(pc.and_(pc.is_null(text), pc.is_valid(stored)), _true(pc.match_substring(text, "\0")))
    wrong = _true(wrong)
    if pc.any(wrong).as_py():
        verdict.add(column.name, wrong, "invalid_text", says, stored)
        text = pc.if_else(wrong, None, text)
    return text


def _utf8(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _cast(column: Column, values: pa.Array, stored: pa.Array, verdict: Verdict) -> pa.Array:
    """An exact cast; where the whole array does not go, the values that do not go are found by halving."""
    try:
        return _exactly(values, column.type)
    except pa.ArrowInvalid:
        pass
    wrong = np.zeros(len(values), dtype=bool)
    spans = [(0, len(values))]
    while spans:
        start, end = spans.pop()
        try:
            _exactly(values.slice(start, end - start), column.type)
        except pa.ArrowInvalid:
            if end - start == 1:
                wrong[start] = True
            else:
                middle = (start + end) // 2
                spans += [(start, middle), (middle, end)]
    verdict.add(column.name, pa.array(wrong), *_not_a(column.type), stored)
    return _exactly(pc.if_else(pa.array(wrong), pa.scalar(None, values.type), values), column.type)


def _exactly(values: pa.Array, declared: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(values.type) and values.type.tz:
        values = values.cast(pa.timestamp(values.type.unit, "UTC"))
        return pc.local_timestamp(values).cast(declared)
    if pa.types.is_integer(values.type) and pa.types.is_decimal(declared):
        values = values.cast(pa.decimal128(20, 0))
    return values.cast(declared)


def _check(column: Column, stored: pa.Array, values: pa.Array, verdict: Verdict) -> None:
    if column.required and stored.null_count:
        verdict.add(column.name, stored.is_null(), "missing_value", lambda _: "is empty and required", stored)
    codes = sorted(known_assets()) if column.is_asset else column.codes
    if codes:
        wrong = _true(pc.invert(pc.is_in(values, pa.array(codes, pa.string()))), values)
        if column.is_asset:
            verdict.add(column.name, wrong, "unknown_asset", "{0!r} is not a known asset".format, stored)
        else:
            allowed = "|".join(codes)
            verdict.add(column.name, wrong, "unknown_code", lambda v: f"{v!r} is none of {allowed}", stored)
    if column.pattern:
        wrong = _true(pc.invert(pc.match_substring_regex(values, f"^(?:{column.pattern})$")), values)
        verdict.add(column.name, wrong, "invalid_format", lambda v: f"{v!r} is not {column.pattern_name}", stored)
    if column.minimum != "any":
        zero = pa.scalar(0).cast(pa.decimal128(20, 0)).cast(column.type)
        wrong = _true((pc.less_equal if column.minimum == "positive" else pc.less)(values, zero))
        bound = "greater than 0" if column.minimum == "positive" else "0 or more"
        verdict.add(column.name, wrong, "out_of_range", lambda v: f"{v!r} is not {bound}", stored)


def _not_a(declared: pa.DataType) -> tuple[str, Callable[[object], str]]:
    name = type_name(declared)
    form = {
        "timestamp": "an existing UTC time written YYYY-MM-DDTHH:MM:SS[.ffffff][Z]",
        "date": "an existing date written YYYY-MM-DD",
        "boolean": "true or false",
    }.get(name, f"a plain number that fits {name}")
    return f"invalid_{name.partition('(')[0]}", lambda value: f"{value!r} is not {form}"


def _true(flags: pa.Array, only_where: pa.Array | None = None) -> pa.Array:
    """Flags with null as false, and false where `only_where` is null."""
    flags = pc.fill_null(flags, False)
    return flags if only_where is None else pc.and_(flags, pc.is_valid(only_where))


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
