"""A handful of raw rows for the awkward cases: each row says in its comment what it is there for."""

from decimal import Decimal

import duckdb

FEEDS = ("exchange", "kyc", "bank", "onchain", "ofac", "cases", "tagpacks", "prices", "chainalysis")
DAY_1, DAY_2, DAY_5 = "2026-01-02 02:00:00", "2026-01-03 02:00:00", "2026-01-06 02:00:00"  # when deliveries became known

SENDER, OTHER_SENDER = "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
OUR_BITCOIN, OUR_ETHEREUM, OUR_HOT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "0x" + "1" * 40, "0x" + "2" * 40
STRANGER, NEIGHBOUR, TOKEN = "0x" + "A" * 40, "0x" + "b" * 40, "0x" + "c" * 40

PARTY = {"party_type_code": "person", "kyc_status_code": "approved", "is_pep": False, "residence_country_code": "DE"}
FIAT = {"rail_code": "fiat", "status_code": "completed", "asset_code": "EUR"}
CRYPTO = {"rail_code": "crypto", "status_code": "completed"}
ENTRY = {"statement_id": "S1", "account_iban": "DE1", "ccy_code": "EUR", "is_reversal": False, "status_code": "BOOK"}
WEI = 10**18

ROWS: list[tuple[str, str, dict]] = [
    # rates: EUR and BTC on two days, ETH on the first, GBP never
    *[
        ("prices.rates", DAY_1, {"asset_code": asset, "rate_date": day, "rate_usd": Decimal(rate), "source": "test"})
        for asset, day, rate in [
            ("EUR", "2026-01-01", "1.1"),
            ("EUR", "2026-01-02", "1.2"),
            ("BTC", "2026-01-01", "50000"),
            ("BTC", "2026-01-02", "50000"),
            ("ETH", "2026-01-01", "2000"),
        ]
    ],
    # P1 changes segment; P2's profile and account arrive days after the transfers of A2
    ("kyc.parties", DAY_1, PARTY | {"party_id": "P1", "segment_code": "retail", "valid_from_at": "2025-06-01", "legal_name": "A. Person"}),
    ("kyc.parties", DAY_2, PARTY | {"party_id": "P1", "segment_code": "business", "valid_from_at": "2026-01-02 12:00:00", "legal_name": "A. Person"}),
    ("kyc.parties", DAY_5, PARTY | {"party_id": "P2", "segment_code": "retail", "valid_from_at": "2026-01-04", "legal_name": "B. Person"}),
    ("kyc.accounts", DAY_1, {"account_id": "A1", "party_id": "P1", "opened_at": "2026-01-01 08:00:00", "valid_from_at": "2026-01-01 08:00:00"}),
    ("kyc.accounts", DAY_5, {"account_id": "A2", "party_id": "P2", "opened_at": "2025-12-01", "valid_from_at": "2025-12-01"}),
    # our addresses
    ("exchange.addresses", DAY_1, {"address": OUR_BITCOIN.upper(), "chain_code": "bitcoin", "role_code": "deposit", "account_id": "A2", "assigned_at": "2025-12-01"}),
    ("exchange.addresses", DAY_1, {"address": OUR_ETHEREUM, "chain_code": "ethereum", "role_code": "deposit", "account_id": "A1", "assigned_at": "2025-12-01"}),
    ("exchange.addresses", DAY_1, {"address": OUR_HOT, "chain_code": "ethereum", "role_code": "hot_wallet", "assigned_at": "2025-12-01"}),
    # D1: on the day of account opening, delivered a second time unchanged
    *[
        ("exchange.deposits", known_at, FIAT | {"deposit_id": "D1", "account_id": "A1", "amount": 100, "bank_reference": "R1", "event_at": "2026-01-01 09:00:00"})
        for known_at in (DAY_1, DAY_2)
    ],
    # D2: two senders in one field, pending first and completed a day later
    *[
        ("exchange.deposits", known_at, CRYPTO | {"deposit_id": "D2", "account_id": "A2", "asset_code": "BTC", "amount": Decimal("0.5"), "status_code": status, "chain_code": "bitcoin",
          "from_address": f"{SENDER.upper()};\u00a0{OTHER_SENDER}", "to_address": f"bitcoin:{OUR_BITCOIN}", "tx_hash": "AB" * 32, "event_at": "2026-01-01 10:00:00"})
        for known_at, status in ((DAY_1, "pending"), (DAY_2, "completed"))
    ],
    # D3: no KYC and no rate
    ("exchange.deposits", DAY_1, FIAT | {"deposit_id": "D3", "account_id": "A3", "amount": 70, "asset_code": "GBP", "event_at": "2026-01-01 11:00:00"}),
    # W1: the bank says another amount; W2: an invisible character in the destination
    ("exchange.withdrawals", DAY_1, FIAT | {"withdrawal_id": "W1", "account_id": "A1", "amount": 40, "bank_reference": "R2", "beneficiary_account": "FR76 3000", "event_at": "2026-01-01 12:00:00"}),
    ("exchange.withdrawals", DAY_1, CRYPTO | {"withdrawal_id": "W2", "account_id": "A1", "asset_code": "ETH", "amount": Decimal("1.5"), "chain_code": "ethereum",
      "to_address": f"{STRANGER[:20]}\u200b{STRANGER[20:]}", "tx_hash": "0x" + "aa" * 32, "event_at": "2026-01-01 13:00:00"}),
    ("exchange.internal_transfers", DAY_1, {"internal_transfer_id": "I1", "from_account_id": "A1", "to_account_id": "A2", "asset_code": "EUR", "amount": 5, "status_code": "completed", "event_at": "2026-01-02 13:00:00"}),
    ("exchange.trades", DAY_1, {"trade_id": "T1", "account_id": "A1", "side_code": "buy", "base_asset_code": "BTC", "quote_asset_code": "EUR", "base_amount": Decimal("0.001"), "quote_amount": 45, "price": 45000, "event_at": "2026-01-02 14:00:00"}),
    # bank: confirms D1 | nobody's credit | a charge | R2 with another amount | announced only
    ("bank.entries", DAY_1, ENTRY | {"entry_id": "E1", "amount": 100, "credit_debit_code": "CRDT", "booking_date": "2026-01-01", "bank_transaction_code": "PMNT/RCDT/ESCT", "end_to_end_id": "R1", "counterparty_account": "DE89 3704"}),
    ("bank.entries", DAY_1, ENTRY | {"entry_id": "E2", "amount": 55, "credit_debit_code": "CRDT", "booking_date": "2026-01-01", "bank_transaction_code": "PMNT/RCDT/ESCT"}),
    ("bank.entries", DAY_1, ENTRY | {"entry_id": "E3", "amount": 2, "credit_debit_code": "DBIT", "booking_date": "2026-01-01", "bank_transaction_code": "ACMT/MDOP/CHRG"}),
    ("bank.entries", DAY_1, ENTRY | {"entry_id": "E4", "amount": 41, "credit_debit_code": "DBIT", "booking_date": "2026-01-01", "bank_transaction_code": "PMNT/ICDT/ESCT", "end_to_end_id": "R2"}),
    ("bank.entries", DAY_1, ENTRY | {"entry_id": "E5", "amount": 9, "credit_debit_code": "CRDT", "booking_date": "2026-01-01", "status_code": "INFO"}),
    # chain: confirms W2 | a sweep | two strangers | in, without a ledger row | a token nobody has listed | of no value
    *[
        ("onchain.ethereum_transactions", DAY_1, {"hash": "0x" + byte * 32, "from_address": sender, "to_address": receiver, "value": str(value), "block_number": 1, "block_timestamp": "2026-01-01 13:00:00"})
        for byte, sender, receiver, value in [
            ("aa", OUR_HOT, STRANGER.lower(), 3 * WEI // 2),
            ("ab", OUR_ETHEREUM, OUR_HOT, WEI),
            ("ac", STRANGER.lower(), NEIGHBOUR, WEI),
            ("ad", NEIGHBOUR, OUR_ETHEREUM, WEI // 4),
            ("ae", NEIGHBOUR, OUR_ETHEREUM, 0),
        ]
    ],
    ("onchain.ethereum_token_transfers", DAY_1, {"token_address": TOKEN, "from_address": NEIGHBOUR, "to_address": OUR_ETHEREUM, "value": str(10**30), "transaction_hash": "0x" + "af" * 32, "log_index": 3, "block_number": 1}),
    ("onchain.bitcoin_inputs", DAY_1, {"transaction_hash": "ab" * 32, "index": 0, "address": SENDER, "value": "60000000", "block_timestamp": "2026-01-01 10:00:00"}),
    ("onchain.bitcoin_outputs", DAY_1, {"transaction_hash": "ab" * 32, "index": 0, "address": OUR_BITCOIN, "value": "50000000", "block_timestamp": "2026-01-01 10:00:00"}),
    ("onchain.bitcoin_outputs", DAY_1, {"transaction_hash": "ab" * 32, "index": 1, "address": SENDER, "value": "9990000", "block_timestamp": "2026-01-01 10:00:00"}),
    # OFAC: 1 leaves, 2 changes, 3 comes; the address of 1 goes with it
    *[
        ("ofac.sdn_entries", known_at, {"ent_num": number, "sdn_name": f"NAME {number}", "remarks": remarks, "publication_date": day})
        for known_at, day, number, remarks in [
            ("2026-01-01", "2026-01-01", "1", "x"), ("2026-01-01", "2026-01-01", "2", "x"),
            ("2026-01-03", "2026-01-03", "2", "y"), ("2026-01-03", "2026-01-03", "3", "x"),
        ]
    ],
    ("ofac.digital_currency_addresses", "2026-01-01", {"ent_num": "1", "asset_code": "XBT", "address": OTHER_SENDER, "mention_no": 1, "publication_date": "2026-01-01"}),
    # vendor: D2 has finished, W2 has not
    ("chainalysis.transfers", DAY_1, {"external_id": "x1", "ledger_transfer_id": "exchange:deposit:D2", "asset_code": "BTC", "ledger_transfer_at": "2026-01-01 10:00:00", "usd_amount": Decimal("25000.00"), "updated_at": "2026-01-01 10:01:00"}),
    ("chainalysis.transfers", DAY_1, {"external_id": "x2", "ledger_transfer_id": "exchange:withdrawal:W2", "asset_code": "ETH", "ledger_transfer_at": "2026-01-01 13:00:00"}),
    ("chainalysis.exposures", DAY_1, {"external_id": "x1", "direct_name": "Bad Co", "direct_category_id": 3}),
    ("chainalysis.alerts", DAY_1, {"external_id": "x1", "alert_external_id": "a1", "exposure_type_code": "INDIRECT", "category_id": 13, "alert_amount_usd": Decimal("12.34")}),
    ("chainalysis.alerts", DAY_1, {"external_id": "x1", "alert_external_id": "a2", "exposure_type_code": "INDIRECT", "category_id": 777, "alert_amount_usd": Decimal("1.00")}),
]  # fmt: skip

AMOUNT = {"deposits": "amount", "withdrawals": "amount", "internal_transfers": "amount", "trades": "base_amount", "entries": "amount"}  # fmt: skip
ASSET = {"trades": "base_asset_code", "entries": "ccy_code", "ethereum_transactions": None}
DAY = {"entries": "booking_date", "rates": "rate_date", "transfers": "ledger_transfer_at"}
COARSE = {"addresses", "parties", "accounts", "exposures", "alerts", "sdn_entries", "digital_currency_addresses"}


def fill(connection: duckdb.DuckDBPyConnection, rows: list[tuple[str, str, dict]], load_id: str, completed: bool = True):
    """Inserts raw rows as one load, with a control total for each row, as its source would state them."""
    for feed in FEEDS:
        if completed:
            connection.execute(f"insert into raw_{feed}._dlt_loads (load_id, status) values (?, 0)", [load_id])  # noqa: S608
    for number, (name, known_at, row) in enumerate(rows, 1):
        feed, table = name.split(".")
        common = {"_known_at": known_at, "_extract_id": f"{table}@{known_at}", "_record_no": number, "_dlt_load_id": load_id}
        optional = {"answer_json": "{}"} if feed == "chainalysis" else {}
        _insert(connection, f"raw_{feed}.{table}", row | optional | common)
        chain = {"bitcoin": "BTC", "ethereum_transactions": "ETH"}.get(table if table.endswith("transactions") else table.split("_")[0])
        total = {
            "extract_id": common["_extract_id"],
            "feed_code": feed,
            "table_name": table,
            "event_date": None if table in COARSE else str(row.get(DAY.get(table, ""), row.get("event_at", row.get("block_timestamp", "")))  or "")[:10] or None,
            "asset_code": None if table in COARSE else row.get(ASSET.get(table) or "asset_code", chain),
            "source_rows": 1,
            "source_amount": row.get(AMOUNT.get(table, "")),
            "captured_by": "independent_count",
            "source_uri": table,
            "known_at": known_at,
        }  # fmt: skip
        _insert(connection, f"raw_{feed}.control_totals", total | common)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, row: dict) -> None:
    columns, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    connection.execute(f"insert into {table} ({columns}) values ({marks})", list(row.values()))  # noqa: S608 (names of this module)
