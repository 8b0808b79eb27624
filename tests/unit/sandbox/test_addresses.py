"""Checksums of addresses and account numbers, by published vectors and by decoders written for the test alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from unit.sandbox.definitions_check import csv_rows, parquet_rows

from sandbox.world import addresses
from sandbox.world.keccak import keccak256

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _payload(text: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(text), dtype=np.uint8)[None]


def base58_version(address: str) -> int | None:
    """Version byte of a valid base58check address, None for an invalid one."""
    number = 0
    for character in address:
        number = number * 58 + ALPHABET.index(character)
    body = number.to_bytes(25, "big")
    check = hashlib.sha256(hashlib.sha256(body[:21]).digest()).digest()[:4]
    ones = len(address) - len(address.lstrip("1"))
    zeros = len(body) - len(body.lstrip(b"\0"))
    return body[0] if check == body[21:] and ones == zeros else None


def bech32_valid(address: str) -> bool:
    values = [3, 3, 0, 2, 3] + [BECH32.index(c) for c in address[3:]]
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> i & 1 else 0
    return check == 1


def eip55_wrong(found: list[str]) -> list[str]:
    """Those whose mixed case is not that of EIP-55."""
    lower = [address[2:].lower() for address in found]
    digests = keccak256(np.array([list(text.encode()) for text in lower], dtype=np.uint8))
    wrong = []
    for address, text, digest in zip(found, lower, digests, strict=True):
        nibbles = digest.tobytes().hex()
        mixed = "".join(c.upper() if int(nibbles[i], 16) >= 8 else c for i, c in enumerate(text))
        if address != "0x" + mixed:
            wrong.append(address)
    return wrong


def iban_valid(iban: str) -> bool:
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def test_keccak_has_the_original_padding():
    empty = keccak256(np.zeros((1, 0), dtype=np.uint8))[0].tobytes().hex()
    assert empty == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@pytest.mark.parametrize(
    "address",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_eip55_examples_of_the_standard(address: str):
    assert addresses.eip55(_payload(address[2:])).tolist() == [address]


def test_bitcoin_examples_of_the_standards():
    payload = _payload("751e76e8199196d454941c45d1b3a323f1433bd6")
    assert addresses.bech32(payload).tolist() == ["bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"]
    assert addresses.base58check(payload, 0).tolist() == ["1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"]
    # leading zero bytes are written as ones
    assert addresses.base58check(np.zeros((1, 20), dtype=np.uint8), 0).tolist() == ["1111111111111111111114oLvT2"]


def test_every_address_the_exchange_gave_out_is_valid(world: Path):
    book = parquet_rows(world / "landing" / "exchange", "addresses")
    assert book.address.is_unique
    assert eip55_wrong(book.address[book.chain_code == "ethereum"].tolist()) == []
    others = book[book.chain_code != "ethereum"]
    for chain, address in zip(others.chain_code, others.address, strict=True):
        if address.startswith("bc1"):
            assert bech32_valid(address)
        else:
            assert base58_version(address) in ({0x41} if chain == "tron" else {0x00, 0x05})


def test_output_addresses_the_vendor_saw_are_valid(world: Path):
    frame = pd.read_parquet(world / "vendor" / "transfers.parquet")
    sample = frame[frame.network == "BITCOIN"].output_address
    assert len(sample) > 100
    assert all(bech32_valid(a) if a.startswith("bc1") else base58_version(a) in (0x00, 0x05) for a in sample)


def test_bank_accounts_have_valid_check_digits(world: Path):
    withdrawals = parquet_rows(world / "landing" / "exchange", "withdrawals")
    accounts = withdrawals.beneficiary_account.dropna().unique()
    assert len(accounts) > 100
    assert all(iban_valid(a) for a in accounts)
    assert iban_valid(addresses.iban("DE", 370_400_440_532_013_000))


def test_no_address_of_the_test_network_is_a_real_one(world: Path):
    deposits = parquet_rows(world / "landing" / "exchange", "deposits")
    assert deposits.ip_address.str.match(r"198\.(18|19)\.\d+\.\d+$").all()
    assert csv_rows(world / "landing" / "kyc", "parties.csv")
