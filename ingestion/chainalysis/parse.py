"""Chainalysis KYT answers as records: pure functions from bytes to exact values.

Numbers are read from the JSON text as Decimal, never as float. Names of members that the vendor has added since this
was written go into the set `added`; raw keeps each answer whole anyway. `Unreadable` carries the reason as a sentence.
"""

import json
import re
from collections.abc import Set
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from ingestion import answers

SUMMARY = {"updatedAt", "asset", "assetId", "network", "transferReference", "tx", "idx", "usdAmount", "assetAmount"}
SUMMARY |= {"timestamp", "outputAddress", "externalId"}
EXPOSURES = {"direct"}
DIRECT = {"name", "categoryId", "category"}
ALERT = {"alertLevel", "service", "externalId", "alertAmount", "exposureType", "categoryId", "category"}
ATTEMPT = {"asset", "assetId", "network", "address", "attemptIdentifier", "assetAmount", "usdAmount", "updatedAt"}
ATTEMPT |= {"externalId"}
NETWORKS = {"count", "networkIdentificationOrgs"}
LISTED = {"alertAmountUsd", "transactionHash", "exposureType", "alertStatus", "transferReportedAt", "alertIdentifier"}
LISTED |= {"transferReference", "alertStatusCreatedBy", "valid", "transferCountWindow", "ruleAsset", "direction"}
LISTED |= {"timestamp", "period", "windowSize", "level", "service", "alertStatusCreatedAt", "userId", "transferCount"}
LISTED |= {"createdAt", "alertType", "transferOutputAddress", "validity", "category", "transactionIndex", "asset"}
LISTED |= {"rule", "minThreshold", "maxThreshold"}

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_EXACT = Context(prec=120, rounding=ROUND_HALF_UP)


class Unreadable(ValueError):
    """An answer, or a value in it, is not what the vendor's contract says. `part`: the member of the answer in whose
    objects it was found; "" for the answer itself."""

    part = ""


def _no_number(text: str) -> None:
    raise Unreadable(f"the answer holds {text}, which is not a number")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)


def document(body: bytes) -> Any:
    """The answer's JSON value with exact numbers; no body (some answers have none) is None."""
    if not body:
        return None
    try:
        return answers.decoded(_DECODER.decode, body.decode())
    except UnicodeDecodeError:
        raise Unreadable("the answer is not UTF-8 text") from None
    except answers.TooDeep as problem:
        raise Unreadable(f"it is {problem}") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"the answer is not JSON: {error}") from None


def timestamp(text: object, name: str = "timestamp") -> datetime | None:
    """The instant as naive UTC. The vendor mixes forms inside one record; without a zone UTC is meant. Digits beyond
    microseconds are cut. None stays None."""
    if text is None:
        return None
    if not isinstance(text, str) or not _TIMESTAMP.fullmatch(text):
        raise Unreadable(f"{name} {text!r} is not an ISO 8601 time")
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise Unreadable(f"{name} {text!r} is not a time that exists") from None


def quantity(value: object, name: str) -> Decimal | None:
    """A quantity of an asset for decimal(38,18), exact: a 19th decimal is Unreadable, never rounded."""
    number, scaled = _scaled(value, name, 38, 18)
    if scaled != number:
        raise Unreadable(f"{name} {number} has more than 18 decimals")
    return scaled


def usd(value: object, name: str) -> Decimal | None:
    """US dollars for decimal(18,2), to the cent, half up: the vendor's valuation is an estimate, and raw keeps its own
    text beside it."""
    return _scaled(value, name, 18, 2)[1]


def _scaled(value: object, name: str, precision: int, scale: int) -> tuple[Decimal | None, Decimal | None]:
    if value is None:
        return None, None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unreadable(f"{name} {value!r} is not a number")
    number = Decimal(value)
    try:
        scaled = number.quantize(Decimal(1).scaleb(-scale), context=_EXACT)
    except InvalidOperation:
        scaled = None
    if scaled is None or (scaled and scaled.adjusted() >= precision - scale):
        raise Unreadable(f"{name} {number} does not fit a decimal({precision},{scale})")
    return number, scaled


def summary(body: bytes, added: set[str] | None = None) -> dict:
    """A transfer's summary: the vendor's columns of raw `transfers`. `updated_at` None = still processing.

    Raises Unreadable, among others when there is no external id to speak of it by."""
    answer = as_object(document(body), "transfer", SUMMARY, added)
    needs(answer, "updatedAt", "usdAmount", "assetAmount")
    return {
        "external_id": required(answer, "externalId"),
        "network": text_of(answer, "network"),
        "transfer_reference": required(answer, "transferReference"),
        "tx": text_of(answer, "tx"),
        "idx": whole_number(answer, "idx"),
        "usd_amount": usd(answer.get("usdAmount"), "usdAmount"),
        "asset_amount": quantity(answer.get("assetAmount"), "assetAmount"),
        "transfer_at": timestamp(answer.get("timestamp"), "timestamp"),
        "output_address": text_of(answer, "outputAddress"),
        "updated_at": timestamp(answer.get("updatedAt"), "updatedAt"),
        "answer_json": body.decode(),
    }


def exposure(body: bytes, added: set[str] | None = None) -> dict:
    """The direct exposure: columns of raw `exposures` without the external id; null members = no exposure."""
    answer = as_object(document(body), "exposures", EXPOSURES, added)
    direct = as_object(answer.get("direct"), "direct exposure", DIRECT, added)
    needs(direct, "name", "category" if "category" in direct else "categoryId")
    return {
        "direct_name": text_of(direct, "name"),
        "direct_category_id": whole_number(direct, "categoryId"),
        "direct_category": text_of(direct, "category"),
        "answer_json": body.decode(),
    }


def networks(body: bytes, added: set[str] | None = None) -> dict:
    """The network identifications: columns of raw `network_identifications` without the external id. They name the
    vendor's other customers that registered the same transfer or address; 0 where none did."""
    answer = as_object(document(body), "network identifications", NETWORKS, added)
    count, named = whole_number(answer, "count"), answer.get("networkIdentificationOrgs")
    if count is None or not isinstance(named, list):
        raise Unreadable("the network identifications have no count or no list of organisations")
    if len(named) != count:
        raise Unreadable(f"the network identifications say {count} and name {len(named)} organisations")
    names = sorted({required(as_object(one, "organisation", {"name"}, added), "name") for one in named})
    return {"organisation_count": count, "organisation_names": text(names), "answer_json": settled(body)}


def attempt(body: bytes, added: set[str] | None = None) -> dict:
    """A withdrawal attempt's summary: the vendor's columns of raw `withdrawal_attempts`. `updated_at` None = still
    processing."""
    answer = as_object(document(body), "withdrawal attempt", ATTEMPT, added)
    needs(answer, "updatedAt", "usdAmount", "assetAmount")
    return {
        "external_id": required(answer, "externalId"),
        "network": text_of(answer, "network"),
        "address": required(answer, "address"),
        "attempt_identifier": required(answer, "attemptIdentifier"),
        "asset_amount": quantity(answer.get("assetAmount"), "assetAmount"),
        "usd_amount": usd(answer.get("usdAmount"), "usdAmount"),
        "updated_at": timestamp(answer.get("updatedAt"), "updatedAt"),
        "answer_json": body.decode(),
    }


def high_risk_addresses(body: bytes) -> int:
    """How many entries of the exchange's own list and of the vendor's an attempt's address is on."""
    answer = as_object(document(body), "high-risk addresses")
    lists = [answer.get(name) for name in ("customAddresses", "chainalysisIdentifications")]
    if not all(isinstance(one, list) for one in lists):
        raise Unreadable("the high-risk addresses lack one of their two lists")
    return sum(len(distinct(one)) for one in lists)


def alert_state(row: dict, added: set[str] | None = None) -> dict:
    """A row of the v1 list: columns of raw `alert_states`."""
    answer = as_object(row, "listed alert", LISTED, added)
    direction = text_of(answer, "direction")
    return {
        "alert_id": required(answer, "alertIdentifier"),
        "alert_status_code": text_of(answer, "alertStatus"),
        "alert_status_at": timestamp(answer.get("alertStatusCreatedAt"), "alertStatusCreatedAt"),
        "alert_type_code": text_of(answer, "alertType"),
        "alert_level_code": text_of(answer, "level"),
        "alert_amount_usd": usd(answer.get("alertAmountUsd"), "alertAmountUsd"),
        "exposure_type_code": text_of(answer, "exposureType"),
        "category": text_of(answer, "category"),
        "service": text_of(answer, "service"),
        "rule": text_of(answer, "rule"),
        "validity_code": text_of(answer, "validity"),
        "user_id": text_of(answer, "userId"),
        "transfer_reference": text_of(answer, "transferReference"),
        "direction_code": direction and direction.lower(),
        "asset_code": text_of(answer, "asset"),
        "created_at": timestamp(answer.get("createdAt"), "createdAt"),
        "answer_json": text(answer),
    }


def alert_items(body: bytes) -> list:
    """The alerts of one transfer as the vendor wrote them, each once, to be read by `alert`."""
    items = as_object(document(body), "alerts answer").get("alerts")
    if not isinstance(items, list):
        raise Unreadable("the alerts answer has no list of alerts")
    return distinct(items)


def distinct(members: list) -> list:
    """The members of a list in a fixed order, each once: a vendor may repeat and shuffle them."""
    return [member for _, member in sorted({text(member): member for member in members}.items())]


def settled(body: bytes) -> str:
    """The answer as text, its lists in their fixed order."""
    answer = as_object(document(body), "answer")
    return text({name: distinct(value) if isinstance(value, list) else value for name, value in answer.items()})


def alert(item: object, added: set[str] | None = None) -> dict:
    """One alert: columns of raw `alerts` without the transfer's external id. A level or exposure type never seen before
    is kept as it is: the contract check warns about it."""
    answer = as_object(item, "alert", ALERT, added)
    needs(answer, "alertAmount", "exposureType")
    return {
        "alert_external_id": required(answer, "externalId"),
        "alert_level_code": required(answer, "alertLevel"),
        "service": text_of(answer, "service"),
        "alert_amount_usd": usd(answer.get("alertAmount"), "alertAmount"),
        "exposure_type_code": text_of(answer, "exposureType"),
        "category_id": whole_number(answer, "categoryId"),
        "answer_json": text(answer),
    }


def categories(body: bytes) -> list[dict]:
    """Rows of raw `categories`; the vendor's list has one row whose id is null and whose name is empty."""
    items = as_object(document(body), "categories answer").get("categories")
    if not isinstance(items, list):
        raise Unreadable("the categories answer has no list of categories")
    return [
        {"category_id": whole_number(item, "categoryId"), "category_name": text_of(item, "categoryName") or ""}
        for item in (as_object(item, "category") for item in items)
    ]


def listing(body: bytes) -> tuple[int, list[dict]]:
    """A page of a v1 list: the list's own total and the page's rows."""
    answer = as_object(document(body), "list")
    total, rows = whole_number(answer, "total"), answer.get("data")
    if total is None or not isinstance(rows, list):
        raise Unreadable("the list has no total or no data")
    return total, [as_object(row, "row of the list") for row in rows]


def text(answer: Any) -> str:
    """A parsed answer as JSON text again, with its numbers as they were written."""
    if isinstance(answer, Decimal):
        return str(answer)
    if isinstance(answer, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{text(value)}" for name, value in answer.items()) + "}"
    if isinstance(answer, list):
        return "[" + ",".join(map(text, answer)) + "]"
    return json.dumps(answer, ensure_ascii=False)


def as_object(value: object, name: str, known: Set[str] = frozenset(), added: set[str] | None = None) -> dict:
    """The value as the JSON object that it has to be; names of members beyond the `known` ones go into `added`."""
    if not isinstance(value, dict):
        raise Unreadable(f"the {name} is not a JSON object")
    if added is not None and not value.keys() <= known:
        added |= value.keys() - known
    return value


def needs(answer: dict, *names: str) -> None:
    """A member that the vendor dropped or renamed must not read as "none"."""
    for name in names:
        if name not in answer:
            raise Unreadable(f"{name} is missing")


def text_of(answer: dict, name: str) -> str | None:
    """The member's text, None where it is null or absent."""
    value = answer.get(name)
    if value is not None and not isinstance(value, str):
        raise Unreadable(f"{name} {value!r} is not text")
    return value


def required(answer: dict, name: str) -> str:
    """The member's text, which nothing can be said without."""
    value = text_of(answer, name)
    if not value:
        raise Unreadable(f"{name} is missing")
    return value


def whole_number(answer: dict, name: str) -> int | None:
    """The member's whole number for bigint, None where it is null or absent."""
    value = answer.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63):
        raise Unreadable(f"{name} {value!r} is not a whole number")
    return value
