"""Elliptic's request signature.

Belongs here: what is signed and how. The secret never appears in an error.
"""

import base64
import binascii
import hashlib
import hmac
import time

import requests
from requests.auth import AuthBase

from ingestion.vendor import VendorError


def signature(secret: bytes, timestamp: str, method: str, path_url: str, body: bytes | None) -> str:
    """base64(HMAC-SHA256(secret, timestamp + method + path with query in lower case + body, `{}` for none)).
    `timestamp` is in milliseconds since 1970, `secret` is decoded already."""
    message = (timestamp + method.upper() + path_url.lower()).encode() + (body or b"{}")
    return base64.b64encode(hmac.new(secret, message, hashlib.sha256).digest()).decode()


class Signed(AuthBase):
    """Signs each request as it is sent, retries included: path, query and body are read off the prepared request."""

    def __init__(self, key: str, secret: str) -> None:
        """Raises VendorError if the secret is not base64."""
        self._key = key
        try:
            self._secret = base64.b64decode(secret, validate=True)
        except (binascii.Error, ValueError):
            raise VendorError(
                "Elliptic: SOURCES__ELLIPTIC__API_SECRET is not base64. Set it to the secret as the vendor gave it."
            ) from None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        timestamp = str(time.time_ns() // 1_000_000)
        body = request.body.encode() if isinstance(request.body, str) else request.body
        request.headers["x-access-key"] = self._key
        request.headers["x-access-timestamp"] = timestamp
        request.headers["x-access-sign"] = signature(self._secret, timestamp, request.method, request.path_url, body)
        return request
