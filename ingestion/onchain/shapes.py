"""What nodes and explorers promise of the objects that are read here.

Belongs here: members and their kinds. How they become rows is in `rpc`, `bitcoin_rpc` and `explorers`.
"""

from ingestion.contract import HEX, LIST, NUMBER, NUMERAL, OBJECT, OBJECT_OR_NULL, TEXT, WHOLE, Kind, Shape

LAST_SECOND = 253_402_300_799
"""The last second of the year 9999: a larger number is no time in seconds."""
_SECONDS = Kind("a time in seconds", lambda value: WHOLE.holds(value) and 0 <= value <= LAST_SECOND)
_SECONDS_TEXT = Kind("a time in seconds as text", lambda value: NUMERAL.holds(value) and int(value) <= LAST_SECOND)
_SATOSHI = Kind("an amount in satoshi", lambda value: WHOLE.holds(value) and 0 <= value <= 21 * 10**14)
_HEIGHT = Kind("the number of a block", lambda value: WHOLE.holds(value) and 0 <= value < 2**63)
_HEIGHT_TEXT = Kind("the number of a block as text", lambda value: NUMERAL.holds(value) and int(value) < 2**63)
_OUTCOME = Kind("ok, error or null", lambda value: value is None or value in ("ok", "error"))

ESPLORA_TRANSACTION = Shape(
    "Esplora's transaction",
    {"txid": TEXT, "vin": LIST, "vout": LIST, "status": OBJECT},
    {"version", "locktime", "size", "weight", "sigops", "fee"},
)
ESPLORA_STATUS = Shape(
    "the status of Esplora's transaction",
    {"block_height": _HEIGHT, "block_hash": TEXT, "block_time": _SECONDS},
    {"confirmed"},
)
ESPLORA_BLOCK = Shape(
    "Esplora's block",
    {"id": TEXT, "height": _HEIGHT, "timestamp": _SECONDS},
    {
        "version", "tx_count", "size", "weight", "merkle_root", "previousblockhash", "mediantime", "nonce", "bits",
        "difficulty", "extras", "stale",
    },
)  # fmt: skip
ESPLORA_INPUT = Shape("an input of Esplora's transaction", {"txid": TEXT, "vout": WHOLE, "prevout": OBJECT})
ESPLORA_OUTPUT = Shape("an output of Esplora's transaction", {"scriptpubkey_type": TEXT, "value": _SATOSHI})

_LISTED = {"hash": TEXT, "blockNumber": _HEIGHT_TEXT, "timeStamp": _SECONDS_TEXT, "blockHash": TEXT, "from": TEXT}
_LISTED |= {"to": TEXT, "value": NUMERAL}
_LISTED_KNOWN = {
    "nonce", "transactionIndex", "gas", "gasPrice", "gasUsed", "cumulativeGasUsed", "confirmations", "contractAddress",
    "methodId", "functionName", "input",
}  # fmt: skip
ETHERSCAN_ROW = {
    "txlist": Shape(
        "Etherscan's transaction",
        _LISTED
        | {"nonce": NUMERAL, "transactionIndex": NUMERAL, "gas": NUMERAL, "gasPrice": NUMERAL}
        | {"input": TEXT},
        _LISTED_KNOWN | {"isError", "txreceipt_status"},
    ),
    "tokentx": Shape(
        "Etherscan's token transfer", _LISTED, _LISTED_KNOWN | {"tokenName", "tokenSymbol", "tokenDecimal", "logIndex"}
    ),
}

BLOCKSCOUT_PAGE = Shape("Blockscout's page", {"items": LIST, "next_page_params": OBJECT_OR_NULL}, {"message"})
BLOCKSCOUT_ITEM = {
    "transactions": Shape(
        "Blockscout's transaction",
        {"hash": TEXT, "block_number": _HEIGHT, "timestamp": TEXT, "value": NUMERAL}
        | {"from": OBJECT, "to": OBJECT_OR_NULL, "status": _OUTCOME},
        {
            "fee", "gas_limit", "confirmations", "type", "exchange_rate", "transaction_burnt_fee", "max_fee_per_gas",
            "result", "gas_price", "priority_fee", "base_fee_per_gas", "token_transfers", "transaction_types",
            "gas_used", "created_contract", "position", "nonce", "has_error_in_internal_transactions", "actions",
            "decoded_input", "token_transfers_overflow", "raw_input", "max_priority_fee_per_gas", "revert_reason",
            "confirmation_duration", "transaction_tag", "historic_exchange_rate", "authorization_list", "method",
            "is_pending_update",
        },
    ),
    "token-transfers": Shape(
        "Blockscout's token transfer",
        {"transaction_hash": TEXT, "log_index": WHOLE, "block_number": _HEIGHT, "timestamp": TEXT}
        | {"from": OBJECT, "to": OBJECT, "token": OBJECT, "total": OBJECT},
        {"block_hash", "type", "token_type", "method"},
    ),
}  # fmt: skip
BLOCKSCOUT_BLOCK = Shape(
    "Blockscout's block", {"height": _HEIGHT, "hash": TEXT, "parent_hash": TEXT, "timestamp": TEXT}
)
BLOCKSCOUT_PARTY = Shape("a party of Blockscout", {"hash": TEXT})
BLOCKSCOUT_TOTAL = Shape("the total of Blockscout's token transfer", {"value": NUMERAL})

ETHEREUM_BLOCK = Shape(
    "the block of the ethereum node",
    {"number": HEX, "hash": TEXT, "parentHash": TEXT, "timestamp": HEX, "transactions": LIST},
    {
        "nonce", "sha3Uncles", "logsBloom", "transactionsRoot", "stateRoot", "receiptsRoot", "miner", "difficulty",
        "totalDifficulty", "extraData", "size", "gasLimit", "gasUsed", "uncles", "mixHash", "baseFeePerGas",
        "withdrawals", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash",
    },
)  # fmt: skip
ETHEREUM_RECEIPT = Shape(
    "the receipt of the ethereum node",
    {"transactionHash": TEXT, "blockHash": TEXT, "logs": LIST},
    {
        "transactionIndex", "blockNumber", "from", "to", "status", "gasUsed", "cumulativeGasUsed", "contractAddress",
        "logsBloom", "type", "effectiveGasPrice", "root", "blobGasUsed", "blobGasPrice",
    },
)  # fmt: skip
ETHEREUM_LOG = Shape("the log of the ethereum node", {"blockHash": TEXT, "topics": LIST, "data": TEXT})

BITCOIN_BLOCK = Shape(
    "the block of the bitcoin node",
    {"hash": TEXT, "height": _HEIGHT, "time": _SECONDS, "tx": LIST},
    {
        "confirmations", "version", "versionHex", "merkleroot", "mediantime", "nonce", "bits", "difficulty", "target",
        "chainwork", "nTx", "previousblockhash", "nextblockhash", "strippedsize", "size", "weight", "coinbase_tx",
    },
)  # fmt: skip
BITCOIN_TRANSACTION = Shape(
    "a transaction of the bitcoin node",
    {"txid": TEXT, "vin": LIST, "vout": LIST},
    {"hash", "version", "size", "vsize", "weight", "locktime", "fee", "hex"},
)
BITCOIN_OUTPUT = Shape(
    "an output of the bitcoin node's transaction", {"value": NUMBER, "n": WHOLE, "scriptPubKey": OBJECT}
)
