"""The pipeline failures that were fined, planted again: each must be caught by the accounting of the same run."""

import re
from pathlib import Path

import pytest


def plant(code: Path, model: str, pattern: str, replacement: str) -> None:
    """Replaces a piece of a model's (or macro's) text, and fails where the piece is no longer there."""
    (path,) = (code / "dbt_project").rglob(model)
    text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.S)
    assert count == 1, f"nothing in {model} matches {pattern!r}: the defect cannot be planted any more"
    path.write_text(text)


def run_with_defect(plumbline, status, code: Path, home: Path) -> dict:
    """The accounting of a run that ended untrusted and published nothing."""
    before = published(home)
    result = plumbline("run", home=home, code=code)
    assert result.returncode == 1, f"a run with a planted defect ended with {result.returncode}:\n{result.stdout}"
    accounting = status(home, code)
    assert accounting["trusted"] is False
    assert accounting["checks"]["failed"] > 0
    assert published(home) == before, "marts were published although the accounting says that they cannot be trusted"
    return accounting


def unexplained(accounting: dict) -> dict[str, int]:
    return {row["scenario"]: row["unexplained"] for row in accounting["scenarios"]}


def published(home: Path) -> str:
    return (home / "published/current").resolve().name


def overlook_special_characters(code: Path) -> None:
    """An exchange's scenarios overlooked transfers whose addresses were separated by special characters: 30 million."""
    plant(
        code,
        "scn_tm45_address_screening.sql",
        r"\Z",
        "\nwhere transfer_id not in (\n"
        "  select transfer_id from {{ ref('int_transfers') }}\n"
        "  where not {{ regex_matches(\"coalesce(counterparty_address_raw, '')\", '^[0-9A-Za-z]*$') }}\n"
        ")\n",
    )


def read_several_addresses_as_one(code: Path) -> None:
    """The same where it hides best: no row is lost, but what was two addresses is one that no list knows."""
    plant(
        code,
        "addresses.sql",
        r"\{\{ split_to_rows\('coalesce\(' ~ expr ~ \", ''\)\", address_separators\(\)\) \}\}",
        "coalesce({{ expr }}, '')",
    )


def put_a_floor_on_zero_tolerance(code: Path) -> None:
    """An app alerted on terrorist financing only above one per cent of exposure; any exposure matters."""
    (seed,) = (code / "dbt_project").rglob("scenario_parameters.csv")
    category = re.compile(
        r"^(TM28-\d+,TM28,floor_usd\.(?:child_abuse_material|sanctioned_entity|terrorist_financing),.*?),0,"
    )
    lines = [category.subn(r"\1,1000,", line) for line in seed.read_text().splitlines()]
    assert sum(count for _, count in lines) == 3, "the zero floors are not in the seed any more: nothing was planted"
    seed.write_text("\n".join(line for line, _ in lines) + "\n")


def test_failures_inside_scenarios_are_told_apart(plumbline, status, code_copy, home_copy):
    """Three at once, in different places: each shows where only it can show."""
    overlook_special_characters(code_copy)
    read_several_addresses_as_one(code_copy)
    put_a_floor_on_zero_tolerance(code_copy)
    accounting = run_with_defect(plumbline, status, code_copy, home_copy)

    missing, failed = unexplained(accounting), accounting["checks"]["failed_names"]
    assert missing["TM45"] > 0 and not any(count for scenario, count in missing.items() if scenario != "TM45")
    assert any("every_address_is_found" in name for name in failed), failed
    assert any("zero_tolerance" in name for name in failed), failed
    (tm28,) = [row for row in accounting["scenarios"] if row["scenario"] == "TM28"]
    assert tm28["errored"] > 0, "the accounting of the same run has to show the transfers that the floor would hide"


@pytest.mark.nightly
def test_addresses_with_special_characters_drop_out_of_a_join(plumbline, status, code_copy, home_copy):
    """The same where it happened: the population itself is joined on the address as the ledger wrote it."""
    plant(
        code_copy,
        "int_transfers.sql",
        r"left join counterparty_addresses on movements\.transfer_id = counterparty_addresses\.transfer_id",
        "inner join (\n"
        "  select transfer_id, address from counterparty_addresses\n"
        "  union all\n"
        "  select transfer_id, null from movements where counterparty_address_raw is null\n"
        ") as counterparty_addresses\n"
        "  on movements.transfer_id = counterparty_addresses.transfer_id\n"
        "  and coalesce(movements.counterparty_address_raw, '') = coalesce(counterparty_addresses.address, '')\n",
    )
    missing = unexplained(run_with_defect(plumbline, status, code_copy, home_copy))
    assert all(count > 0 for count in missing.values()), missing


def test_transfers_on_the_day_of_account_opening_are_skipped(plumbline, status, code_copy, home_copy):
    """A bank never monitored what happened on the day an account was opened: 46.5 million transactions."""
    plant(
        code_copy,
        "int_transfer_legs.sql",
        r"\Z",
        "\nwhere account_opened_at is null or event_date > cast(account_opened_at as date)\n",
    )
    accounting = run_with_defect(plumbline, status, code_copy, home_copy)
    assert all(count > 0 for count in unexplained(accounting).values()), unexplained(accounting)
