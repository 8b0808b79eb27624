"""Checksums of addresses: a right one is never called wrong, a wrong one always is, and neither is ever dropped."""

import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingestion.addresses import bad_checksums, has_bad_checksum, normalise, parts
from sandbox.world.addresses import base58check, bech32, eip55

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
PUBLISHED = [
    ("bitcoin", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    ("bitcoin", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ("bitcoin", "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"),
    ("bitcoin", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
    ("ethereum", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("bsc", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"),
    ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("ripple", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
    ("litecoin", "LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9"),
    ("dogecoin", "DFundmtrigzA6E25Swr2pRe4Eb79bGP8G1"),
    ("bitcoin_cash", "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
    ("zcash", "t1PKtYdJJHhc3Pxowmznkg7vdTwnhEsCvR4"),
    ("polkadot", "12bzRJfh7arnnfPPUZHeJUaE62QLEwhK48QnH9LXeK2m1iZU"),
    (
        "monero",
        "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
    ),
    ("solana", "4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPYvA"),
]
payload = st.binary(min_size=20, max_size=20)


def one(kind: str, raw: bytes) -> tuple[str, str]:
    """(chain, a valid address of it), by the sandbox's own implementation."""
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(1, 20)
    if kind == "bech32":
        return "bitcoin", bech32(rows)[0]
    if kind == "eip55":
        return "ethereum", eip55(rows)[0]
    chain, version = {"p2pkh": ("bitcoin", 0), "p2sh": ("bitcoin", 5), "tron": ("tron", 0x41)}[kind]
    return chain, base58check(rows, version)[0]


valid = st.builds(one, st.sampled_from(["bech32", "eip55", "p2pkh", "p2sh", "tron"]), payload)
invisible = st.sampled_from(["\u200b", "\ufeff", "\u00ad", "\u200e", "\u200f", "\u202e"])
around = st.sampled_from(["", " ", "\t", "\n", "\u00a0", ";", "'", '"', "<"])
scheme = st.sampled_from(["", "bitcoin:", "ethereum:", "ETHEREUM:", "tron://"])
behind = st.sampled_from(["", "?amount=0.1", "@1", "#x", ":12345", ":memo"])


@pytest.mark.parametrize(("chain", "address"), PUBLISHED)
def test_published_addresses_are_right_and_one_wrong_letter_is_found(chain, address):
    assert not has_bad_checksum(address, chain)
    if chain == "solana":  # has no checksum
        return
    place = len(address) - 8
    letters = [c for c in (BASE58 if "1q" not in address and ":" not in address else BECH32) if c != address[place]]
    letters = "0123456789abcdef" if address.startswith("0x") else letters
    changed = [address[:place] + letter + address[place + 1 :] for letter in letters if letter != address[place]]
    assert all(has_bad_checksum(wrong, chain) for wrong in changed if wrong.lower() != address.lower())


@given(valid, st.data())
@settings(max_examples=200, deadline=None)
def test_a_valid_address_survives_however_it_is_written(case, data):
    chain, address = case
    if chain == "ethereum":
        address = data.draw(st.sampled_from([address, address.lower(), "0x" + address[2:].upper(), "0X" + address[2:]]))
    elif address.startswith("bc1"):
        address = data.draw(st.sampled_from([address, address.upper()]))
    place = data.draw(st.integers(0, len(address)))
    written = address[:place] + data.draw(invisible) + address[place:]
    written = data.draw(around) + data.draw(scheme) + written + data.draw(behind) + data.draw(around)
    found = [normalise(part) for part in parts(written)]
    assert normalise(address) in found
    assert bad_checksums([pa.array([written])], pa.array([chain])).to_pylist() == [None]


@given(valid, st.data())
@settings(max_examples=200, deadline=None)
def test_a_wrong_letter_is_named_and_the_address_is_kept(case, data):
    chain, address = case
    first = 4 if address.startswith("bc1") else 2
    place = data.draw(st.integers(first, len(address) - 1))
    alphabet = BECH32 if address.startswith("bc1") else "0123456789abcdefABCDEF" if chain == "ethereum" else BASE58
    letter = data.draw(st.sampled_from(alphabet))
    assume(letter != address[place])
    wrong = address[:place] + letter + address[place + 1 :]
    assume(chain != "ethereum" or wrong[2:] not in (wrong[2:].lower(), wrong[2:].upper()))
    assert bad_checksums([pa.array([wrong])], pa.array([chain])).to_pylist() == [normalise(wrong)]
    assert [normalise(part) for part in parts(wrong)] == [normalise(wrong)]


@given(st.text(max_size=60), st.sampled_from([*dict(PUBLISHED), "unheard_of", None]))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_check(text, chain):
    assert has_bad_checksum(text, chain) in (True, False)


def test_each_bad_address_of_a_record_is_named():
    good, bad, worse = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "1BoatSLRHtKNngkdXEeobR76b53LETtpyU", "bc1qbad0" + "q" * 34
    fields = [pa.array([f"{good}; {bad}", None, good, bad]), pa.array([worse.upper(), good, None, None])]
    said = bad_checksums(fields, pa.array(["bitcoin", "bitcoin", " Bitcoin", None]))
    assert said.to_pylist() == [
        f"{bad}" if not has_bad_checksum(worse, "bitcoin") else f"{bad};{worse}",
        None,
        None,
        None,
    ]


def test_bech32_of_mixed_case_is_wrong():
    assert has_bad_checksum("bc1qRP33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3", "bitcoin")


def test_a_million_rows_take_seconds():
    """Each distinct field is looked at once: what is new each time costs, what comes again does not."""
    rng = np.random.default_rng(1)
    made = bech32(rng.integers(0, 256, (2_000, 20), dtype=np.uint8))
    column = pa.array(made[rng.integers(0, len(made), 1_000_000)], pa.string())
    began = time.process_time()
    bad = bad_checksums([column], pa.array(["bitcoin"] * 1_000_000))
    assert bad.null_count == 1_000_000 and time.process_time() - began < 5
