"""The signature of Elliptic's requests, by the two vectors its documentation publishes."""

import base64

import pytest
import requests

from ingestion.elliptic import signing
from ingestion.elliptic.signing import Signed, signature
from ingestion.vendor import VendorError, dumps

# The documentation's own values: they open nothing.
KEY_TEXT, AT = "894f142d667e8cdaca6822ac173937af", "1478692862000"
BODY = [
    {
        "customer_reference": "123456",
        "subject": {
            "asset": "BTC",
            "hash": "accf5c09cc027339a3beb2e28104ce9f406ecbbd29775b4a1a17ba213f1e035e",
            "output_address": "15Hm2UEPaEuiAmgyNgd5mF3wugqLsYs3Wn",
            "output_type": "address",
            "type": "transaction",
        },
        "type": "source_of_funds",
    }
]
VECTORS = [
    ("POST", "/v2/analyses", BODY, "65mQHB2o95lL3I+N/bZYwDC9p2YvNwsVDnXr8u72hUk="),
    ("GET", "/v2/customers", None, "cN9fRUqeT7UnwwpkBZaNmnwxKAPHkhytdXelfUVvxMI="),
]


@pytest.mark.parametrize(("method", "path", "body", "expected"), VECTORS, ids=["with a body", "without"])
def test_the_published_vectors(method, path, body, expected, monkeypatch):
    sent = None if body is None else dumps(body).encode()
    assert signature(base64.b64decode(KEY_TEXT), AT, method, path, sent) == expected
    monkeypatch.setattr(signing.time, "time_ns", lambda: int(AT) * 1_000_000)
    prepared = requests.Request(method, "https://host.invalid" + path, data=sent, auth=Signed("k", KEY_TEXT)).prepare()
    assert prepared.headers["x-access-sign"] == expected
    assert (prepared.headers["x-access-key"], prepared.headers["x-access-timestamp"]) == ("k", AT)


def test_the_query_is_signed_as_it_is_sent_but_in_lower_case():
    made = requests.Request(
        "GET", "https://host.invalid/v2/wallet", params={"analysed_at_after": "2026-01-01T00:00:00Z"}
    )
    prepared = made.prepare()
    assert prepared.path_url == "/v2/wallet?analysed_at_after=2026-01-01T00%3A00%3A00Z"
    secret = base64.b64decode(KEY_TEXT)
    assert signature(secret, AT, "GET", prepared.path_url, None) == signature(
        secret, AT, "GET", prepared.path_url.lower(), None
    )


def test_a_secret_that_is_no_base64_is_not_repeated_in_the_error():
    with pytest.raises(VendorError, match="API_SECRET is not base64") as error:
        Signed("k", "not base64!")
    assert "not base64!" not in str(error.value)
