"""Addresses as sources write them. Special characters in them once took 30 million transfers out of monitoring."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import addresses

BITCOIN = [
    "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh",
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
]
ETHEREUM = "0x52908400098527886e0f7030069857d2e4169ee7"
TRON = "TJCnKsPa7y5okkXvQAidZBzqx3QyQ6sxMW"
RIPPLE = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
STELLAR = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
TON = "0:83dfd552e63729b472fcbcc8c45ebcc6691702558b68ec7527e1ba403a0f31a8"
CHAINS = {
    **dict.fromkeys(BITCOIN, "bitcoin"), ETHEREUM: "ethereum", TRON: "tron", RIPPLE: "ripple", STELLAR: "stellar",
    TON: "ton",
}  # fmt: skip
ADDRESSES = list(CHAINS)
# Letters of other scripts that look like letters of an address (Cyrillic, Greek, full width).
LOOK_ALIKES = {
    **dict(
        zip(
            "aceopxysvwkqd",
            "\u0430\u0441\u0435\u03bf\u0440\u0445\u0443\u0455\u03bd\u0461\u03ba\u051b\u0501",
            strict=True,
        )
    ),
    **dict(zip("ABEHKMNTXYZ", "\u0391\u0412\u0395\u041d\u039a\u041c\u039d\u03a4\u03a7\u04ae\u0396", strict=True)),
    **{letter: chr(ord(letter) + 0xFEE0) for letter in "0123456789bfghijlmnrtuzCDFGJLPQRSUVW"},
}

invisible = st.sampled_from(
    ["\u200b", "\u200c", "\u200d", "\ufeff", "\u2060", "\u00ad", "\u200e", "\u200f", "\u202a", "\u202e", "\u2067"]
)
space = st.sampled_from([" ", "\t", "\n", "\r\n", "\u00a0", "\u2009", "\u3000", "\u202f"])
separator = st.sampled_from([";", ",", "|", " ", "\n", "\u00a0", "; ", " | ", ",\t", "\uff0c", "\uff1b", "','", '"; "'])
address = st.sampled_from(ADDRESSES)
tag = st.sampled_from(["", ":0", ":12345", ":memo", ":4294967295", ":memo-of:two", ":0x12"])


@st.composite
def decorated(draw: st.DrawFn) -> tuple[str, str]:
    """An address in normal form, and as a source may write it."""
    plain = draw(address)
    written = plain
    if plain.startswith("0x") and draw(st.booleans()):
        written = "0X" + plain[2:].upper() if draw(st.booleans()) else "0x" + plain[2:].upper()
    if plain.startswith("bc1") and draw(st.booleans()):
        written = plain.upper()
    position = draw(st.integers(0, len(written)))
    written = written[:position] + "".join(draw(st.lists(invisible, max_size=2))) + written[position:]
    if draw(st.booleans()):
        scheme = draw(
            st.sampled_from(["ethereum:", "eth:", "eip155:1:"] if plain.startswith("0x") else ["bitcoin:", "xrpl:"])
        )
        written = draw(st.sampled_from([scheme, scheme.upper()])) + written
        written += draw(st.sampled_from(["", "?amount=0.1", "?amount=0.1&label=x", "@1", "@1?value=1e18"]))
    elif plain != TON:
        written += draw(tag)
    return plain, written


@st.composite
def looking_alike(draw: st.DrawFn) -> tuple[str, str, str]:
    """A real address, and one of which letters only look like its own, with its chain."""
    plain = draw(address)
    places = [place for place, letter in enumerate(plain) if letter in LOOK_ALIKES and place > 1]
    chosen = draw(st.sets(st.sampled_from(places), min_size=1, max_size=4))
    fake = "".join(LOOK_ALIKES[letter] if place in chosen else letter for place, letter in enumerate(plain))
    return plain, fake, CHAINS[plain]


@pytest.fixture(scope="session")
def normalised(macro, evaluate):
    sql = macro("normalise_address", "v1")
    return lambda text: evaluate(sql, text)[0]


@pytest.fixture(scope="session")
def parts(macro, evaluate):
    """The normalised addresses of a field, as int_ledger_addresses finds them."""
    split, form, visible = (
        macro("address_parts", "v1"),
        macro("normalise_address", "part"),
        macro("strip_invisible", "part"),
    )
    fields = f"(select {split} as part from (select $1 as v1))"  # noqa: S608 (what a macro wrote)
    return lambda text: evaluate(f"{form} from {fields} where {visible} <> '' --", text)


@pytest.fixture(scope="session")
def problem(macro, evaluate):
    sql = macro("address_problem", "v1", "v2")
    return lambda text, chain: evaluate(sql, text, chain)[0]


@given(decorated())
@settings(max_examples=150, deadline=None)
def test_an_address_is_the_same_however_it_is_written(normalised, case):
    plain, written = case
    assert normalised(written) == plain


@given(st.lists(decorated(), min_size=1, max_size=4), separator, space)
@settings(max_examples=100, deadline=None)
def test_every_address_in_a_field_is_found(parts, cases, between, around):
    field = around + between.join(written for _, written in cases) + around
    assert sorted(parts(field)) == sorted(plain for plain, _ in cases)


@given(st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_normalising_twice_changes_nothing(normalised, text):
    text = text.replace("\x00", "")
    once = normalised(text)
    if once is not None:
        assert normalised(once) == once


def test_base58_keeps_its_case(normalised):
    assert normalised(TRON) == TRON
    assert normalised(BITCOIN[1]) == BITCOIN[1]


def test_a_token_transfer_request_gives_the_receiver(normalised):
    token = "0xdac17f958d2ee523a2206206994597c13d831ec7"
    written = f"ethereum:{token}@1/transfer?address=0x{ETHEREUM[2:].upper()}&uint256=1e6"
    assert normalised(written) == ETHEREUM


@pytest.mark.parametrize("text", ["", " ", "\u200b", ";;", "bitcoin:", "?amount=1"])
def test_nothing_is_no_address(parts, text):
    assert [found for found in parts(text) if found] == []


@pytest.mark.parametrize(
    ("text", "chain"), [*((one, "bitcoin") for one in BITCOIN), (ETHEREUM, "ethereum"), (TRON, "tron")]
)
def test_real_forms_are_valid(problem, text, chain):
    assert problem(text, chain) is None
    assert problem(text, None) is None


@pytest.mark.parametrize(
    ("text", "chain", "code"),
    [
        (BITCOIN[0].replace("a", "\u0430").replace("y", "\u0443"), "bitcoin", "non_ascii"),
        (ETHEREUM[:-1] + "\u0435", "ethereum", "non_ascii"),
        (ETHEREUM[:-1], "ethereum", "bad_format"),
        (ETHEREUM, "bitcoin", "bad_format"),
        (TRON[:-1] + "0", "tron", "bad_format"),
        ("n/a", None, "bad_format"),
        (None, "bitcoin", "bad_format"),
    ],
)
def test_what_cannot_be_an_address_says_why(problem, text, chain, code):
    assert problem(text, chain) == code


@given(looking_alike(), invisible, st.sampled_from(["", "bitcoin:", "?amount=1", ":12"]))
@settings(max_examples=80, deadline=None)
def test_look_alikes_are_flagged_and_not_mapped(normalised, parts, problem, case, unseen, around):
    """A Cyrillic letter mapped to its Latin twin would invent an address that nobody wrote."""
    plain, fake, chain = case
    written = around + unseen + fake if around.endswith(":") else unseen + fake + around
    assert parts(written) == [fake]
    assert addresses.normalise(written) == normalised(written) == fake
    assert problem(fake, chain) == problem(fake, None) == "non_ascii"
    assert problem(plain, chain) is None
    assert not addresses.has_bad_checksum(written, chain)  # said by the warehouse, as what it is


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (f"{RIPPLE}:12345", RIPPLE),
        (f"{BITCOIN[0]}:0", BITCOIN[0]),
        (f"{STELLAR}:memo", STELLAR),
        (f"ripple:{RIPPLE}:12345", RIPPLE),
        (f"xrpl://{RIPPLE}?dt=12345", RIPPLE),
        ("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
        (f"arb1:{ETHEREUM}", ETHEREUM),
        (f"eip155:1:{ETHEREUM}", ETHEREUM),
        (f"usdt:{TRON}", TRON),
        ("alice.near:12345", "alice.near"),
        (TON, TON),
        (f"{TON}:memo", TON),
    ],
)
def test_what_follows_a_colon_is_the_address_only_behind_a_scheme(normalised, written, plain):
    assert normalised(written) == addresses.normalise(written) == plain


@given(
    st.one_of(
        decorated().map(lambda case: case[1]),
        looking_alike().map(lambda case: case[1]),
        st.text(max_size=60),
        st.lists(st.one_of(address, st.sampled_from([":", "tron:", "a:", "0:", "//", "pay-", "@", "?", " "]))).map(
            "".join
        ),
    )
)
@settings(max_examples=100, deadline=None)
def test_the_loader_finds_the_same_addresses(normalised, parts, text):
    """What the loader calls a bad checksum is found again by its comparable form."""
    text = text.replace("\x00", "")
    assert addresses.normalise(text) == normalised(text)
    found = [addresses.normalise(part) for part in addresses.parts(text)]
    assert sorted(found, key=str) == sorted(parts(text), key=str)
