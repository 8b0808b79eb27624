"""Identity vendors' webhooks, as the receiver kept them: JSON lines with the headers and the body byte for byte.

Belongs here: signatures, and a line of a file as a record. `{"received_at": ..., "headers": {...}, "body": "..."}`;
a body that is no UTF-8 text stands in `body_base64`. What an event means is in the vendor's module.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ingestion.kyc import records
from ingestion.kyc.records import Unusable

_SUMSUB = {"HMAC_SHA1_HEX": hashlib.sha1, "HMAC_SHA256_HEX": hashlib.sha256, "HMAC_SHA512_HEX": hashlib.sha512}


@dataclass(frozen=True)
class Webhook:
    """A webhook whose signature is right. `webhook_id` is the same for the same body however often it was sent;
    `event_at` (naive UTC) is the vendor's own time of the event."""

    vendor: str
    webhook_id: str
    event_type: str
    applicant_id: str | None
    event_at: datetime
    received_at: datetime | None
    body: str
    content: dict

    @property
    def row(self) -> dict:
        return {
            "vendor_code": self.vendor,
            "webhook_id": self.webhook_id,
            "event_type_code": self.event_type,
            "applicant_id": self.applicant_id,
            "event_at": self.event_at,
            "received_at": self.received_at,
            "body_json": self.body,
        }


def read(vendor: str, line: bytes, secret: str) -> Webhook:
    """The webhook in a line of a file. Raises Unusable: no record, a signature that is missing or wrong, a body that
    is not the vendor's."""
    try:
        kept = records.parse(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unusable("invalid_text", "the record is not UTF-8") from None
    headers = {str(name).lower(): value for name, value in records.mapping(kept.get("headers"), "headers").items()}
    body = _body(kept)
    verify(vendor, headers, body, secret)
    received_at = records.instant(kept.get("received_at"), "received_at")
    content = records.parse(body)
    event_type, applicant_id, event_at = _EVENTS[vendor](content)
    shown = body.decode("utf-8")
    return Webhook(
        vendor, hashlib.sha256(body).hexdigest(), event_type, applicant_id, event_at, received_at, shown, content
    )


def verify(vendor: str, headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Raises Unusable unless the body was signed with the secret as the vendor signs (header names in lower case)."""
    if vendor == "sumsub":
        algorithm = headers.get("x-payload-digest-alg")
        if algorithm not in _SUMSUB:
            raise Unusable("invalid_signature", "x-payload-digest-alg names no algorithm of the vendor")
        given, signed = [headers.get("x-payload-digest")], body
    elif vendor == "onfido":
        algorithm, given, signed = "HMAC_SHA256_HEX", [headers.get("x-sha2-signature")], body
    else:
        # While a secret is rotated the header holds a pair for each secret, separated by blanks
        pairs = [_pairs(part) for part in str(headers.get("persona-signature") or "").split()]
        moments = [pair["t"] for pair in pairs if "t" in pair]
        algorithm, given = "HMAC_SHA256_HEX", [pair.get("v1") for pair in pairs]
        signed = f"{moments[0] if moments else ''}.".encode("utf-8", "surrogatepass") + body
    right = hmac.new(secret.encode(), signed, _SUMSUB[algorithm]).hexdigest()
    if not any(
        isinstance(one, str) and hmac.compare_digest(one.encode("utf-8", "replace"), right.encode()) for one in given
    ):
        raise Unusable("invalid_signature", "the signature is missing or not the one of this body")


def _pairs(part: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in part.split(",") if "=" in pair)


def _body(kept: dict) -> bytes:
    if isinstance(coded := kept.get("body_base64"), str):
        try:
            return base64.b64decode(coded, validate=True)
        except (binascii.Error, ValueError):
            raise Unusable("invalid_record", "body_base64 is no base64") from None
    body = kept.get("body")
    if not isinstance(body, str):
        raise Unusable("invalid_record", "body is no text: keep the body as it was received, not parsed")
    try:
        return body.encode()
    except UnicodeEncodeError:
        raise Unusable("invalid_text", "body has half a surrogate pair in it") from None


def _sumsub(content: dict) -> tuple[str, str | None, datetime]:
    return (
        records.text(content.get("type"), "type", required=True),
        records.text(content.get("applicantId"), "applicantId", required=True),
        records.instant(content.get("createdAtMs"), "createdAtMs", required=True),
    )


def _onfido(content: dict) -> tuple[str, str | None, datetime]:
    payload = records.mapping(content.get("payload"), "payload")
    said, resource = (records.mapping(payload.get(name), f"payload.{name}") for name in ("object", "resource"))
    moments = [said.get(name) for name in ("completed_at_iso8601", "started_at_iso8601")]
    moments += [resource.get(name) for name in ("updated_at", "created_at")]
    at = next((moment for moment in moments if moment), None)
    return (
        records.text(payload.get("action"), "payload.action", required=True),
        records.text(resource.get("applicant_id"), "payload.resource.applicant_id"),
        records.instant(at, "the time of the event", required=True),
    )


def _persona(content: dict) -> tuple[str, str | None, datetime]:
    data = records.mapping(content.get("data"), "data")
    attributes = records.mapping(data.get("attributes"), "data.attributes")
    about = records.mapping(records.mapping(attributes.get("payload"), "payload").get("data"), "payload.data")
    return (
        records.text(attributes.get("name"), "name", required=True),
        records.text(about.get("id"), "payload.data.id") if about.get("type") == "inquiry" else None,
        records.instant(attributes.get("created-at") or attributes.get("createdAt"), "created-at", required=True),
    )


_EVENTS = {"sumsub": _sumsub, "onfido": _onfido, "persona": _persona}


def kept(headers: Mapping[str, str], body: bytes, received_at: str) -> bytes:
    """A line as a receiver of webhooks should keep it (without the line end)."""
    return json.dumps({"received_at": received_at, "headers": dict(headers), "body": body.decode()}).encode()
