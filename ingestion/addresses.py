"""Blockchain addresses as people and systems write them: finding them in a field, and whether their checksum is right.

Belongs here: the Python twin of `dbt_project/macros/addresses.sql` (a test holds them equal) and what SQL cannot say,
checksums. A wrong address is never dropped: it is landed as written and named beside it, so that it is screened, shown
and monitored like any other.
"""

import re
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
from bip_utils import (
    Base58Alphabets,
    Base58Decoder,
    Base58XmrDecoder,
    BchBech32Decoder,
    Bech32Decoder,
    EthAddrDecoder,
    SegwitBech32Decoder,
    SS58Decoder,
)
from bip_utils.base58.base58_ex import Base58ChecksumError
from bip_utils.bech32.bech32_ex import Bech32ChecksumError
from bip_utils.ss58.ss58_ex import SS58ChecksumError
from bip_utils.utils.crypto import Kekkak256

_SEPARATOR = (
    "[\\u0009-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000;,|\\uff0c\\uff1b\\uff5c\\u3001"
    "\\u0022\\u0027\\u0060<>(){}\\u005b\\u005d]+"
)
_SEPARATORS = re.compile(_SEPARATOR)
_INVISIBLE = re.compile(
    "[\\u0000-\\u0008\\u00ad\\u034f\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff]"
)
_EDGES = re.compile(f"^{_SEPARATOR}|{_SEPARATOR}\\Z")
_TOKEN_TRANSFER = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:.*/transfer[?](.*&)?address=(0[xX][0-9a-fA-F]{40}).*\Z")
# Payment URIs: BIP21 and its descendants, EIP-681; and any short word before what is as long as an address. Any
# other word before a colon is no scheme: it may be an address, with its destination tag or memo behind the colon.
_SCHEMES = (
    "bitcoin|bitcoincash|bchtest|bitcoinsv|bitcoingold|ecash|litecoin|dogecoin|dash|zcash|verge|monero|"
    "ethereum|ethereum-classic|ethereumclassic|bsc|bnb|smartchain|polygon|matic|arbitrum|optimism|base|"
    "avalanche|tron|ripple|xrp|xrpl|stellar|cardano|web[+]cardano|solana|polkadot|kusama|cosmos|algorand|tezos|"
    "ton|near|filecoin|hedera|nano|kaspa"
)
_SCHEME = re.compile(f"(?i)^({_SCHEMES}|eip155:[0-9]+):(//)?(pay-)?")
_PREFIX = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]{0,15}:(//)?(pay-)?([0-9a-zA-Z]{25})")
_BEHIND = re.compile(f"(?s)({_SEPARATOR})?[?@/#].*\\Z")
# The raw form of a TON address has a colon of its own: workchain and account.
_TAG = re.compile(f"(?s)^(-?[0-9]{{1,2}}:[^:]{{64}}|[^:]*?)(({_SEPARATOR})?:.*)?\\Z")
_HEX = re.compile(r"0[xX][0-9a-fA-F]+")
_SEGWIT = re.compile(r"(BC1|TB1|LTC1|bc1|tb1|ltc1)[0-9a-zA-Z]+")

EVM = {"ethereum", "bsc", "arbitrum", "polygon", "optimism", "base", "avalanche", "ethereum_classic"}
# First characters, length of the decoded payload, first bytes (None: any) of base58check addresses.
_BASE58 = {
    "bitcoin": ("123mn", 21, None),
    "bitcoin_cash": ("13", 21, None),
    "bitcoin_sv": ("1", 21, None),
    "bitcoin_gold": ("GA", 21, None),
    "litecoin": ("LM3", 21, None),
    "dogecoin": ("DA9", 21, None),
    "dash": ("X7", 21, None),
    "verge": ("D", 21, None),
    "zcash": ("t", 22, None),
    "tron": ("T", 21, b"\x41"),
    "ripple": ("r", 21, b"\x00"),
}
_SEGWIT_PREFIXES = {"bitcoin": ("bc", "tb"), "litecoin": ("ltc",)}
_WRONG = (ValueError, Base58ChecksumError, Bech32ChecksumError, SS58ChecksumError)


def bare(written: str) -> str:
    """One address without what surrounds it: invisible characters, white space, payment-URI scheme, query, chain id,
    call path, destination tag or memo. Its case is kept. Empty where nothing is left."""
    visible = _EDGES.sub("", _INVISIBLE.sub("", written))
    receiver = _TOKEN_TRANSFER.sub(r"\2", visible)
    alone = _BEHIND.sub("", _PREFIX.sub(r"\3", _SCHEME.sub("", receiver)))
    return _TAG.sub(r"\1", alone)


def normalise(written: str) -> str | None:
    """The comparable form (see the macro `normalise_address`); None where nothing is left."""
    found = bare(written)
    lower = _HEX.fullmatch(found) or _SEGWIT.fullmatch(found)
    return (found.lower() if lower else found) or None


def parts(field: str) -> list[str]:
    """The addresses in a field that may hold several, as written."""
    return [part for part in _SEPARATORS.split(field) if _INVISIBLE.sub("", part)]


def has_bad_checksum(written: str, chain: str | None) -> bool:
    """Whether this is an address of the chain whose checksum is wrong. False where the chain or the form has no
    checksum (hex in one case, Solana), where the chain is not known, and for what has not the form of an address: that
    the warehouse says by itself."""
    address = bare(written)
    if not address.isascii() or chain is None:
        return False
    try:
        return not _is_right(address, chain)
    except _WRONG:
        return True


def _is_right(address: str, chain: str) -> bool:
    if chain in EVM:
        if not re.fullmatch(r"0[xX][0-9a-fA-F]{40}", address) or address[2:] in (
            address[2:].lower(),
            address[2:].upper(),
        ):
            return True
        EthAddrDecoder.DecodeAddr("0x" + address[2:])
        return True
    prefix = address.lower().partition("1")[0]
    if prefix in _SEGWIT_PREFIXES.get(chain, ()):
        SegwitBech32Decoder.Decode(prefix, address)
        return True
    if chain == "bitcoin_cash" and re.fullmatch(r"[qpQP][0-9a-zA-Z]{41}", address):
        BchBech32Decoder.Decode("bitcoincash", "bitcoincash:" + (address.lower() if address.isupper() else address))
        return True
    if chain == "cardano" and address.startswith("addr1"):
        Bech32Decoder.Decode("addr", address)
        return True
    if chain == "polkadot" and re.fullmatch(r"1[1-9A-HJ-NP-Za-km-z]{45,48}", address):
        SS58Decoder.Decode(address)
        return True
    if chain == "monero" and re.fullmatch(r"[48][1-9A-HJ-NP-Za-km-z]{94,105}", address):
        decoded = Base58XmrDecoder.Decode(address)
        return Kekkak256.QuickDigest(decoded[:-4])[:4] == decoded[-4:]
    first, length, version = _BASE58.get(chain, ("", 0, None))
    if not first or not re.fullmatch(rf"[{first}][1-9A-HJ-NP-Za-km-z]{{24,35}}", address):
        return True
    alphabet = Base58Alphabets.RIPPLE if chain == "ripple" else Base58Alphabets.BITCOIN
    decoded = Base58Decoder.CheckDecode(address, alphabet)
    return len(decoded) == length and (version is None or decoded.startswith(version))


def bad_checksums(fields: Iterable[pa.Array | pa.ChunkedArray], chains: pa.Array | pa.ChunkedArray) -> pa.Array:
    """For each row the normalised addresses of its fields whose checksum is wrong, joined by ";"; null where there is
    none. Each distinct field is looked at once."""
    known: dict[tuple[str, str], str | None] = {}
    said: list[str | None] = [None] * len(chains)
    codes = chains.to_pylist()
    for column in fields:
        # Hex in lower case has no checksum on any chain: most of what chains themselves write needs no look at all.
        column = pc.if_else(pc.match_substring_regex(column, "^0x[0-9a-f]{40}$"), None, column)
        for row, (field, code) in enumerate(zip(column.to_pylist(), codes, strict=True)):
            if field is None or code is None:
                continue
            key = (field, code)
            if key not in known:
                known[key] = _bad_parts(field, code.strip().lower())
            if (bad := known[key]) is not None:
                said[row] = bad if said[row] is None else f"{said[row]};{bad}"
    return pa.array(said, pa.string())


def _bad_parts(field: str, chain: str) -> str | None:
    return ";".join(normalise(part) or "" for part in parts(field) if has_bad_checksum(part, chain)) or None
