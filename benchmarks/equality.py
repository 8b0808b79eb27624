"""Whether two tables hold the same rows, without keeping both in memory."""

import duckdb


def assert_equal(connection: duckdb.DuckDBPyConnection, mine: str, theirs: str, what: str) -> int:
    """Compares number and content of the rows of two relations (any order) in the columns of `mine`, in its types.

    Returns the number of rows. Raises AssertionError naming `what` when they differ; the sum of 64-bit row hashes
    stands for the content."""
    columns = connection.execute(f"describe from {mine}").fetchall()
    expressions = ", ".join(f'cast("{name}" as {kind})' for name, kind, *_ in columns)
    counted = [
        connection.execute(
            f"select count(*), coalesce(sum(cast(hash({expressions}) as hugeint)), 0) from {relation}"  # noqa: S608 (names of ours)
        ).fetchone()
        for relation in (mine, theirs)
    ]
    assert counted[0] == counted[1], f"{what}: {counted[0][0]:,} rows against {counted[1][0]:,}, or other content"
    return counted[0][0]
