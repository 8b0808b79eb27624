"""Digital-currency addresses in the running text of an entry."""

import hashlib
import re
from collections.abc import Iterator

LABEL = "Digital Currency Address - "
_LABELLED = re.compile(re.escape(LABEL))
_ADDRESS = re.compile(r"(\w{1,20})\s+([^\s;]+?)\.?(?=;|\s|$)")
_SEPARATORS = re.compile(r"[\s;,()\[\]<>\"'\u201c\u201d\u2018\u2019|]+")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def labelled(text: str) -> Iterator[tuple[int, str | None, str]]:
    """OFAC's own wording: (where its label ends, asset code, address) of each mention; the asset code is None and the
    address the next words where no code and address follow."""
    for words in _LABELLED.finditer(text):
        found = _ADDRESS.match(text, words.end())
        if found is None:
            yield words.end(), None, text[words.start() : words.start() + 200]
        else:
            yield words.end(), found.group(1), found.group(2)


def unlabelled(text: str | None) -> Iterator[tuple[str, str]]:
    """(asset code of the chain's own coin, address) of each word that can be nothing but an address: EVM hex of twenty
    bytes, Bitcoin bech32, and base58 with a right checksum."""
    for word in _SEPARATORS.split(text or ""):
        if code := asset_of(word := word.rstrip(".:")):
            yield code, word


def asset_of(word: str) -> str | None:
    """XBT, ETH or TRX where the word is an address of that chain, else None."""
    if re.fullmatch(r"0[xX][0-9a-fA-F]{40}", word):
        return "ETH"
    if re.fullmatch(r"bc1[02-9ac-hj-np-z]{25,87}", word):
        return "XBT"
    if re.fullmatch(r"[13][1-9A-HJ-NP-Za-km-z]{25,34}", word):
        return "XBT" if has_checksum(word) else None
    if re.fullmatch(r"T[1-9A-HJ-NP-Za-km-z]{33}", word):
        return "TRX" if has_checksum(word) else None
    return None


def has_checksum(word: str) -> bool:
    """Whether the base58 word is 21 bytes followed by the first four of their double SHA-256."""
    number = 0
    for letter in word:
        number = number * 58 + _BASE58.index(letter)
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]
