"""Blockchain addresses and IBANs with valid checksums, made in bulk from random bytes.

Formats: base58check P2PKH/P2SH and Tron (BIP-13, TRON TRC), bech32 P2WPKH (BIP-173), EIP-55, IBAN (ISO 13616, ISO
7064 mod 97-10).
Every maker takes random payload bytes and returns an object array of str.
"""

from __future__ import annotations

import hashlib

import numpy as np

from sandbox.world.keccak import keccak256

_BASE58 = np.frombuffer(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", dtype=np.uint8)
_BECH32 = np.frombuffer(b"qpzry9x8gf2tvdw0s3jn54khce6mua7l", dtype=np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_BECH32_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _strings(characters: np.ndarray) -> np.ndarray:
    """uint8 [n, width] of ASCII -> object array of n strings (trailing NULs dropped)."""
    width = characters.shape[1]
    raw = np.ascontiguousarray(characters).view(f"S{width}").ravel()
    out = np.empty(len(raw), dtype=object)
    out[:] = [s.decode("ascii") for s in raw.tolist()]
    return out


def base58check(payload: np.ndarray, version: int) -> np.ndarray:
    """uint8 [n, 20] and a version byte -> base58check strings."""
    count = len(payload)
    body = np.empty((count, 25), dtype=np.uint8)
    body[:, 0] = version
    body[:, 1:21] = payload
    sha = hashlib.sha256
    rows = np.ascontiguousarray(body[:, :21]).tobytes()
    sums = b"".join(sha(sha(rows[i : i + 21]).digest()).digest()[:4] for i in range(0, len(rows), 21))
    body[:, 21:] = np.frombuffer(sums, dtype=np.uint8).reshape(count, 4)
    # long division by 58**5 of seven 32-bit limbs, least significant digits last
    padded = np.zeros((count, 28), dtype=np.uint8)
    padded[:, 3:] = body
    limbs = padded.view(">u4").astype(np.uint64)
    digits = np.empty((count, 35), dtype=np.uint8)
    base = np.uint64(58**5)
    for block in range(6, -1, -1):
        remainder = np.zeros(count, dtype=np.uint64)
        for i in range(7):
            value = (remainder << np.uint64(32)) | limbs[:, i]
            limbs[:, i], remainder = value // base, value % base
        for position in range(4, -1, -1):
            digits[:, block * 5 + position] = (remainder % np.uint64(58)).astype(np.uint8)
            remainder //= np.uint64(58)
    letters = _BASE58[digits]
    leading = np.argmax(digits != 0, axis=1)
    zeros = np.argmax(body != 0, axis=1)  # every leading zero byte is written as one '1'
    out = np.empty(count, dtype=object)
    texts = _strings(letters)
    out[:] = [t[max(lead - zero, 0) :] for t, lead, zero in zip(texts, leading, zeros, strict=True)]
    return out


def bech32(payload: np.ndarray) -> np.ndarray:
    """uint8 [n, 20] -> bc1q... (witness version 0, P2WPKH)."""
    count = len(payload)
    bits = np.unpackbits(payload, axis=1).reshape(count, 32, 5)
    data = np.zeros((count, 33), dtype=np.uint32)
    data[:, 1:] = bits @ np.array([16, 8, 4, 2, 1], dtype=np.uint32)
    expanded = [3, 3, 0, ord("b") & 31, ord("c") & 31]
    checksum = np.ones(count, dtype=np.uint32)

    def step(check: np.ndarray, value: np.ndarray | int) -> np.ndarray:
        top = check >> np.uint32(25)
        check = ((check & np.uint32(0x1FFFFFF)) << np.uint32(5)) ^ np.uint32(value)
        for i, generator in enumerate(_BECH32_GENERATORS):
            check = check ^ (((top >> np.uint32(i)) & np.uint32(1)) * np.uint32(generator))
        return check

    for value in expanded:
        checksum = step(checksum, value)
    for i in range(33):
        checksum = step(checksum, data[:, i])
    for _ in range(6):
        checksum = step(checksum, 0)
    checksum ^= np.uint32(1)
    tail = np.stack([(checksum >> np.uint32(5 * (5 - i))) & np.uint32(31) for i in range(6)], axis=1)
    letters = np.concatenate(
        [np.tile(np.frombuffer(b"bc1", dtype=np.uint8), (count, 1)), _BECH32[data], _BECH32[tail]], axis=1
    )
    return _strings(letters)


def eip55(payload: np.ndarray) -> np.ndarray:
    """uint8 [n, 20] -> 0x... in the mixed case of EIP-55."""
    count = len(payload)
    nibbles = np.empty((count, 40), dtype=np.uint8)
    nibbles[:, 0::2], nibbles[:, 1::2] = payload >> 4, payload & 15
    letters = _HEX[nibbles]
    digest = keccak256(letters)[:, :20]
    hashed = np.empty((count, 40), dtype=np.uint8)
    hashed[:, 0::2], hashed[:, 1::2] = digest >> 4, digest & 15
    upper = (nibbles >= 10) & (hashed >= 8)
    letters = np.where(upper, letters - 32, letters)
    return _strings(np.concatenate([np.tile(np.frombuffer(b"0x", dtype=np.uint8), (count, 1)), letters], axis=1))


def _payload(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.frombuffer(rng.bytes(20 * count), dtype=np.uint8).reshape(count, 20)


def bitcoin(rng: np.random.Generator, count: int) -> np.ndarray:
    """A mix of bech32 (60 %), P2SH (25 %) and P2PKH (15 %) addresses."""
    kind = rng.random(count)
    payload = _payload(rng, count)
    out = np.empty(count, dtype=object)
    for mask, make in (
        (kind < 0.60, bech32),
        ((kind >= 0.60) & (kind < 0.85), lambda p: base58check(p, 0x05)),
        (kind >= 0.85, lambda p: base58check(p, 0x00)),
    ):
        if mask.any():
            out[mask] = make(payload[mask])
    return out


def ethereum(rng: np.random.Generator, count: int) -> np.ndarray:
    return eip55(_payload(rng, count))


def tron(rng: np.random.Generator, count: int) -> np.ndarray:
    return base58check(_payload(rng, count), 0x41)


def make(chain: int, rng: np.random.Generator, count: int) -> np.ndarray:
    """`count` addresses on a chain (index into definitions.CHAINS)."""
    return (bitcoin, ethereum, tron)[chain](rng, count)


# IBAN country -> (bank code letters, digits of the account part). Countries whose national format carries an inner
# check digit are left out: their customers bank with an institution in LT, as customers of fintechs do.
_IBAN = {
    "DE": ("", 18), "NL": ("SBNX", 10), "GB": ("SBGX", 14), "IE": ("SBIX", 14), "AT": ("", 16), "LT": ("", 16),
    "CH": ("", 17),
}  # fmt: skip


def iban_country(residence: str) -> str:
    return residence if residence in _IBAN else "LT"


def iban(country: str, number: int) -> str:
    """The IBAN of a country for an account number, with its two check digits (ISO 7064 mod 97-10)."""
    letters, digits = _IBAN[country]
    body = letters + f"{number % 10**digits:0{digits}d}"
    expanded = "".join(str(int(c, 36)) for c in body + country) + "00"
    return f"{country}{98 - int(expanded) % 97:02d}{body}"
