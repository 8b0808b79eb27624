"""TagPacks, written here by hand: inheritance, several tags of an address, and files meant to do harm."""

from datetime import date

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.control_totals import record_hash
from ingestion.tagpacks.count import digest, newest_lastmod, tags
from ingestion.tagpacks.parse import UnusablePack, parse

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=60)
PACK = """
title: A pack
creator: Someone
currency: BTC
label: shop
category: market
confidence: forensic
source: https://example.invalid
lastmod: 2026-01-02
is_cluster_definer: true
tags:
- address: 1abc
- address: 0x00ab
  currency: ETH
  network: POLYGON
  label: '0123'
  abuse: scam
  actor: someone
  lastmod: 2026-01-03 10:00:00
  is_cluster_definer: no
- address: 1abc
  label: another
"""


def pack(*items: str, header: str = "creator: me\ncurrency: BTC\nlabel: x") -> bytes:
    return "\n".join([header, "tags:", *items, ""]).encode()


def test_tags_inherit_the_header_and_override_it():
    first, second, third = parse(PACK.encode(), "a/pack.yaml").tags
    assert (first["address"], first["currency_code"], first["network_code"]) == ("1abc", "BTC", "BTC")
    assert (first["category_code"], first["confidence_code"], first["creator"]) == ("market", "forensic", "Someone")
    assert first["lastmod"] == date(2026, 1, 2) and first["is_cluster_definer"] is True
    assert first["abuse_code"] is None and first["pack_uri"] == "a/pack.yaml"
    assert (second["address"], second["label"], second["network_code"]) == ("0x00ab", "0123", "POLYGON")
    assert (second["abuse_code"], second["actor_id"], second["lastmod"]) == ("scam", "someone", date(2026, 1, 3))
    assert second["is_cluster_definer"] is False
    assert third["address"] == first["address"] and third["tag_id"] != first["tag_id"]
    assert tags(PACK.encode()) == ["1abc", "0x00ab", "1abc"] and newest_lastmod(PACK.encode()) == "2026-01-03"


def test_an_unquoted_address_stays_the_text_it_is_written_as():
    unquoted = ("0x0012", "0b11", "1e5", "0o17", "1_000", "12345678901234567890123456789012")
    read = parse(pack(*(f"- address: {address}" for address in unquoted)), "p")
    assert tuple(row["address"] for row in read.tags) == unquoted


def test_a_repeated_tag_keeps_its_id_and_a_different_one_gets_another():
    read = parse(pack("- address: a", "- address: a", "- {address: a, source: other}", "- address: a"), "p")
    one, same, other, again = (row["tag_id"] for row in read.tags)
    assert one == same == again != other
    assert parse(pack("- address: a"), "q").tags[0]["tag_id"] != one


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("- label: y", "missing_address"),
        ("- address: null", "missing_address"),
        ("- address: ~", "missing_address"),
        ("- {address: a, label: ''}", "missing_label"),
        ("- {address: a, currency: }", "missing_currency"),
        ("- just text", "not_a_tag"),
        ("- address: [a, b]", "not_a_text"),
        ("- {address: a, lastmod: 2026-02-30}", "invalid_lastmod"),
        ("- {address: a, lastmod: soon}", "invalid_lastmod"),
        ("- {address: a, is_cluster_definer: perhaps}", "invalid_boolean"),
    ],
)
def test_an_unusable_tag_is_rejected_alone(item, code):
    read = parse(pack(item, "- address: b"), "p")
    assert [(rejected.record_no, rejected.code) for rejected in read.rejected] == [(1, code)]
    assert [(row["address"], row["_record_no"]) for row in read.tags] == [("b", 2)]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not_a_pack"),
        (b"- address: a", "not_a_pack"),
        (b"[1]: 2", "not_yaml"),
        (b"title: x", "no_tags"),
        (b"tags: a", "no_tags"),
        (b"tags:\n- address: 'never closed", "not_yaml"),
        (b"a: *nobody", "not_yaml"),
        (b"tags:\n- address: \xff\xfe", "not_yaml"),
        (b"\x00", "not_yaml"),
        (b"[" * 5_000, "not_yaml"),
        (b"tags: !!python/object/apply:os.system [exit]", None),
    ],
)
def test_an_unusable_pack_says_why(raw, code):
    if code is None:
        read = parse(raw, "p")
        assert [rejected.code for rejected in read.rejected] == ["not_a_tag"]
        return
    with pytest.raises(UnusablePack) as refused:
        parse(raw, "p")
    assert refused.value.code == code and str(refused.value)


def test_a_bomb_of_aliases_stays_as_small_as_it_is_written():
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 30)]
    header = "\n".join(["creator: me", "currency: BTC", "label: x", "l0: &l0 ha", *levels])
    merged = "\n".join([f"m{n}: &m{n}\n  <<: [{', '.join([f'*m{n - 1}'] * 10)}]" for n in range(1, 30)])
    raw = pack("- address: a", "- address: *l29", "- *l29", header=f"{header}\nm0: &m0 {{a: b}}\n{merged}")
    read = parse(raw, "p")
    assert [row["address"] for row in read.tags] == ["a"]
    assert [rejected.code for rejected in read.rejected] == ["not_a_text", "not_a_tag"]
    assert all(len(rejected.raw) < 1_000 for rejected in read.rejected)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("1abc", "1abc"),
        ("'0x1e3'  # a comment", "0x1e3"),
        ('"bc1q"', "bc1q"),
        ("1abc\r", "1abc"),
        ("a,b", None),
        ("'it''s'", None),
        ("*alias", None),
        ("|", None),
    ],
)
def test_an_address_is_read_from_its_line_or_not_at_all(written, address):
    raw = f"tags:\n- address: {written}\n  label: x\n".encode()
    assert tags(raw) == [address]
    assert digest(tags(raw)) == (None if address is None else record_hash(address, None))


def test_addresses_inside_braces_are_read_as_well():
    assert tags(b"tags:\n- {address: 1abc, label: x}\n- {label: x, address: '2d'}\n") == ["1abc", "2d"]


values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=15)


@FIXED
@given(st.lists(st.fixed_dictionaries({"address": values, "label": values}), max_size=8), st.booleans())
def test_what_a_yaml_writer_writes_is_read_back_and_counted(items, flow):
    items = [{name: value.strip() or "x" for name, value in item.items()} for item in items]
    items = [item for item in items if not {v.lower() for v in item.values()} & {"null", "~"}]
    body = {"creator": "me", "currency": "BTC", "tags": items}
    raw = yaml.safe_dump(body, allow_unicode=True, sort_keys=flow).encode()
    read = parse(raw, "p")
    assert [(row["address"], row["label"]) for row in read.tags] == [(i["address"], i["label"]) for i in items]
    for found, item in zip(tags(raw), items, strict=True):
        assert found in (None, item["address"])  # None: only a YAML reader knows


@FIXED
@given(st.sampled_from(["[", "{a: ", "- ", "? ", "[{a: "]), st.integers(101, 100_000))
def test_a_pack_that_nests_too_deeply_is_refused_before_it_is_built(opening, times):
    """The C loader builds on the stack: a hundred thousand brackets ended the process."""
    with pytest.raises(UnusablePack, match="cannot be read as YAML"):
        parse((opening * times).encode(), "p")
