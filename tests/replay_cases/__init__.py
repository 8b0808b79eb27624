"""One case for each kind of source: a little of it, one record of which is refused until a replay brings it in."""

from collections import Counter

import pytest

from replay_cases.common import Case
from replay_cases.of_analytics import chainalysis_address, chainalysis_kyt, elliptic_analysis
from replay_cases.of_chains import (
    bitcoin_node,
    blockscout,
    esplora,
    ethereum_node,
    etherscan,
    onchain_answer_whole,
    onchain_answers,
    onchain_bitcoin,
    onchain_rows,
)
from replay_cases.of_files import (
    bank_camt,
    bank_camt_whole,
    bank_mt940,
    bank_nacha,
    behaviour_files,
    behaviour_kafka,
    prices,
    tags,
    travel_rule_messages,
)
from replay_cases.of_identity_and_cases import marble_case, onfido_all, persona_all, sumsub_all, unit21_alert

__all__ = ["GROUPS", "Case", "together"]

GROUPS = {
    "prices": (prices,),
    "behaviour": (behaviour_files, behaviour_kafka),
    "tagpacks": (tags,),
    "travel rule": (travel_rule_messages,),
    "bank": (bank_camt, bank_camt_whole, bank_mt940, bank_nacha),
    "chain files": (onchain_rows, onchain_bitcoin, onchain_answers, onchain_answer_whole),
    "nodes and explorers": (ethereum_node, bitcoin_node, esplora, etherscan, blockscout),
    "identity vendors": (sumsub_all, onfido_all, persona_all),
    "case systems": (marble_case, unit21_alert),
    "chainalysis": (chainalysis_kyt,),
    "addresses": (chainalysis_address,),
    "elliptic": (elliptic_analysis,),
}
"""Kinds of source that one load brings together: a load of dlt takes longer than all that is asked of them."""


def together(cases: list[Case]) -> Case:
    """Several kinds of one feed's sources as one."""

    def refuse(patch: pytest.MonkeyPatch) -> None:
        for case in cases:
            case.refuse(patch)

    brings, beside = Counter(), Counter()
    for case in cases:
        brings.update(case.brings)
        beside.update(case.beside)
    return Case(
        cases[0].feed,
        {name: value for case in cases for name, value in case.settings.items()},
        refuse,
        dict(brings),
        rejects=sum(case.rejects or sum(case.brings.values()) for case in cases),
        beside=dict(beside),
    )
