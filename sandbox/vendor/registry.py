"""The sandbox vendor's memory: which transfers and withdrawal attempts were registered, and what it answers on each.

The memory is the process's. A restarted server knows nothing, gives the same ids and answers after re-registration,
and says 404 until then.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from sandbox.vendor import answers
from sandbox.vendor.answers import KytWorld, Transfer

NETWORKS = {"ARBITRUM", "AVALANCHE", "BASE", "BINANCE_SMART_CHAIN", "BITCOIN", "BITCOIN_CASH", "DOGECOIN", "ETHEREUM"}
NETWORKS |= {"ETHEREUM_CLASSIC", "LITECOIN", "OPTIMISM", "POLYGON", "RIPPLE", "SOLANA", "STELLAR", "TRON", "ZCASH"}
_CATEGORY = re.compile(rb'"categoryId"\s*:\s*(\d+)')
PROCESSING_TIME = timedelta(seconds=62)


class Answer(NamedTuple):
    status: int
    body: bytes


class Refused(Exception):
    """The request cannot be served; carries status and the vendor's message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Registration:
    """One registered transfer: what the client said, and its answers as bytes."""

    user_id: str
    direction: str
    reference: str
    transfer: Transfer | None
    pending: bytes
    finished: bytes | None
    polls: int = 0

    @property
    def is_finished(self) -> bool:
        return self.finished is not None and self.polls > self.transfer.null_polls


class Registry:
    """What was registered with the vendor since the server started, and the answers that follow from it."""

    def __init__(self, world: KytWorld) -> None:
        self.world = world
        self.transfers: dict[str, Registration] = {}
        self.attempts: dict[str, dict[str, bytes]] = {}
        self._listed: list[dict] | None = None
        self._reviews: dict[str, dict] = {}
        self.with_category = False

    def review(self, alert_id: str, status: str, at: datetime, by: str) -> None:
        """An investigator gives an alert another status."""
        said = {"alertStatus": status, "alertStatusCreatedAt": answers.seconds_zulu(at), "alertStatusCreatedBy": by}
        self._reviews[alert_id] = said
        self._listed = None

    def register_transfer(self, user_id: str, body: bytes) -> bytes:
        """Registers a transfer and answers its summary, all null. Raises Refused(400) on a bad body."""
        asked = _object(body, "network", "asset", "transferReference", "direction")
        network, direction = _network(asked["network"]), asked["direction"].lower()
        asset, reference = asked["asset"], asked["transferReference"]
        if direction not in ("received", "sent"):
            raise Refused(400, f"direction must be received or sent, not {asked['direction']}")
        tx, colon, address = reference.partition(":")
        if not (tx and colon and address.strip()):
            raise Refused(400, f"transferReference must be <transaction hash>:<output address>, not {reference}")
        found = self.world.find(user_id, direction, reference)
        external_id = found.external_id if found else answers.name_based_id(user_id, direction, reference)
        if external_id not in self.transfers:
            head = (external_id, asset, network, reference)
            self.transfers[external_id] = Registration(
                user_id=user_id,
                direction=direction,
                reference=reference,
                transfer=found,
                pending=answers.summary(head, None),
                finished=answers.summary(head, found) if found and found.tail else None,
            )
            self._listed = None
        return self.transfers[external_id].pending

    def poll(self, external_id: str) -> bytes:
        """The summary; each call is one poll. Raises Refused(404) for an id never registered."""
        registration = self._registration(external_id)
        registration.polls += 1
        return registration.finished if registration.is_finished else registration.pending

    def detail(self, external_id: str, kind: str) -> bytes:
        """`exposures`, `alerts` or `network-identifications`; empty ones while the transfer is processing."""
        registration = self._registration(external_id)
        done = registration.transfer if registration.is_finished else None
        if kind == "exposures":
            return self._shaped(done.exposures) if done else answers.NO_EXPOSURE
        if kind == "alerts":
            return self._shaped(done.alerts) if done else answers.NO_ALERTS
        return answers.networks(done)

    def _shaped(self, answer: bytes) -> bytes:
        """The answer as recorded, or as newer documentation has it: with the category's name beside its id."""
        if not self.with_category:
            return answer

        def named(found: re.Match) -> bytes:
            name = self.world.category_names.get(int(found[1]))
            return found[0] + f',"category":{json.dumps(name)}'.encode()

        return _CATEGORY.sub(named, answer)

    def _registration(self, external_id: str) -> Registration:
        try:
            return self.transfers[external_id]
        except KeyError:
            raise Refused(404, f"transfer {external_id} is not registered") from None

    def listed_alerts(self) -> list[dict]:
        """Rows of the v1 alerts list for registered, finished transfers, oldest first; amounts are Decimal."""
        if self._listed is None:
            self._listed = sorted(
                (row for registration in self.transfers.values() for row in self._alert_rows(registration)),
                key=lambda row: (row["createdAt"], row["alertIdentifier"]),
            )
        return self._listed

    def _alert_rows(self, registration: Registration) -> list[dict]:
        if registration.finished is None or registration.transfer.alerts == answers.NO_ALERTS:
            return []
        transfer = registration.transfer
        created_at = answers.seconds_zulu(transfer.updated_at)
        alerts = json.loads(transfer.alerts, parse_float=Decimal)["alerts"]
        return [
            {
                "alertAmountUsd": alert["alertAmount"],
                "transactionHash": transfer.tx,
                "exposureType": alert["exposureType"],
                "alertStatus": "Unreviewed",
                "transferReportedAt": created_at,
                "alertIdentifier": alert["externalId"],
                "transferReference": registration.reference,
                "alertStatusCreatedBy": None,
                "valid": True,
                "transferCountWindow": None,
                "ruleAsset": None,
                "direction": registration.direction,
                "timestamp": answers.seconds_zulu(transfer.seen_at),
                "period": None,
                "windowSize": None,
                "level": alert["alertLevel"],
                "service": alert["service"],
                "alertStatusCreatedAt": created_at,
                "userId": registration.user_id,
                "transferCount": None,
                "createdAt": created_at,
                "alertType": "TRANSFER",
                "transferOutputAddress": transfer.output_address,
                "validity": "VALID",
                "category": self.world.category_names.get(alert["categoryId"]),
                "transactionIndex": transfer.idx,
                "asset": transfer.asset,
                "rule": None,
                "minThreshold": None,
                "maxThreshold": None,
            }
            | self._reviews.get(alert["externalId"], {})
            for alert in alerts
        ]

    def register_attempt(self, user_id: str, body: bytes) -> bytes:
        """Registers a withdrawal attempt and answers it. Exposure and alerts are those of the newest world transfer
        sent to the address. Raises Refused(400) on a bad body."""
        asked = _object(body, "network", "asset", "address", "attemptIdentifier", "assetAmount", "attemptTimestamp")
        network, asset, address = _network(asked["network"]), asked["asset"], asked["address"]
        try:
            amount = Decimal(str(asked["assetAmount"]))
            attempted_at = datetime.fromisoformat(asked["attemptTimestamp"])
        except (InvalidOperation, ValueError):
            raise Refused(400, "assetAmount must be a number and attemptTimestamp an ISO 8601 time") from None
        if attempted_at.tzinfo:
            attempted_at = attempted_at.astimezone(UTC)
        rate = self.world.rates.get(asset)
        usd = None if rate is None else (amount * rate).quantize(Decimal("0.01"))
        external_id = answers.name_based_id("attempt", user_id, asked["attemptIdentifier"])
        known = self.world.paid.get(address)
        summary = (
            f'{{"asset":{json.dumps(asset)},"assetId":null,"network":{json.dumps(network)},'
            f'"address":{json.dumps(address)},"attemptIdentifier":{json.dumps(asked["attemptIdentifier"])},'
            f'"assetAmount":{answers.number(amount)},"usdAmount":{answers.number(usd)},'
            f'"updatedAt":"{answers.millis_with_offset(attempted_at + PROCESSING_TIME)}",'
            f'"externalId":"{external_id}"}}'
        ).encode()
        risky = known is not None and known.alerts != answers.NO_ALERTS
        named = (
            {"addressName": known.direct_name, "description": "", "categoryId": known.category_id} if risky else None
        )
        self.attempts[external_id] = {
            "": summary,
            "exposures": known.exposures if known else answers.NO_EXPOSURE,
            "alerts": known.alerts if known else answers.NO_ALERTS,
            "network-identifications": answers.networks(known),
            "high-risk-addresses": json.dumps(
                {"customAddresses": [], "chainalysisIdentifications": [named] if named else []}, separators=(",", ":")
            ).encode(),
        }
        return summary

    def attempt(self, external_id: str, kind: str) -> bytes:
        try:
            return self.attempts[external_id][kind]
        except KeyError:
            raise Refused(404, f"withdrawal attempt {external_id} is not registered") from None


def _object(body: bytes, *required: str) -> dict:
    try:
        asked = json.loads(body, parse_float=Decimal)
    except ValueError:
        raise Refused(400, "the request body is not JSON") from None
    if not isinstance(asked, dict):
        raise Refused(400, "the request body must be one JSON object")
    for name in required:
        value = asked.get(name)
        if value is None or value == "":
            raise Refused(400, f"{name} is required")
        if name != "assetAmount" and not isinstance(value, str):
            raise Refused(400, f"{name} must be text")
    return asked


def _network(name: str) -> str:
    network = name.upper()
    if network not in NETWORKS:
        raise Refused(400, f"network {name} is not supported")
    return network
