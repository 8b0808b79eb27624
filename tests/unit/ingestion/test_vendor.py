"""The shared HTTP client, against a real server that answers in every style vendors have."""

import json
import threading
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ingestion import answers, vendor
from ingestion.vendor import Refusal, Vendor, VendorError, VendorUnavailable, dumps, wait_of


@pytest.fixture
def server(monkeypatch):
    """Serves the answers put into `.answers`, in turn (the last one again and again); keeps the requests."""
    monkeypatch.setattr(vendor, "FIRST_DELAY", 0.001)

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            server.requests.append((self.command, self.path, self.rfile.read(length), dict(self.headers)))
            status, headers, body = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.answers = [], []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(server):
    with Vendor("acme", "Acme", f"http://127.0.0.1:{server.server_port}/api", attempts=3) as made:
        yield made


def test_an_answer_keeps_its_bytes_and_exact_fractions(server, client):
    server.answers = [(201, {}, b'{"usd": 0.1, "wei": 115792089237316195423570985008687907853269984665640564039457}')]
    answer = client.get("/a", {"limit": 2})
    assert answer.status == 201
    assert answer.data == {"usd": Decimal("0.1"), "wei": 115792089237316195423570985008687907853269984665640564039457}
    assert server.requests[0][:2] == ("GET", "/api/a?limit=2")


def test_a_body_is_sent_as_it_would_be_signed(server, client):
    server.answers = [(200, {}, b"{}")]
    client.post("/a", {"amount": Decimal("0.10"), "tags": ["ü", None]})
    assert server.requests[0][2] == b'{"amount":0.10,"tags":["\\u00fc",null]}'
    assert json.loads(dumps({"a": Decimal("1E+3")})) == {"a": 1000}


@pytest.mark.parametrize(
    "trouble",
    [
        (429, {"Retry-After": "0"}, b"{}"),
        (429, {"X-RateLimit-Reset": "1"}, b'{"name":"TooManyRequestsError"}'),
        (503, {}, b""),
        (200, {}, b'{"cut": '),
        (200, {"Content-Length": "90"}, b'{"cut": 1'),
        (403, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Access denied"),
    ],
    ids=["retry-after", "reset", "5xx", "no json", "cut", "firewall"],
)
def test_trouble_that_passes_is_waited_out(server, client, monkeypatch, trouble):
    monkeypatch.setattr(vendor.time, "sleep", lambda seconds: None)
    server.answers = [trouble, (200, {}, b"[1]")]
    assert client.get("/a").data == [1]
    assert len(server.requests) == 2


def test_a_limit_in_an_answer_with_status_200_is_waited_out(server):
    server.answers = [(200, {}, b'{"status":"0","result":"Max rate limit reached"}'), (200, {}, b'{"status":"1"}')]
    url = f"http://127.0.0.1:{server.server_port}"
    with Vendor("x", "X", url, throttled=lambda a: 0.0 if a.data["status"] == "0" else None) as client:
        assert client.get("/a").data == {"status": "1"}


def test_a_dead_vendor_is_unavailable_and_says_what_to_check(server, client):
    server.answers = [(500, {}, b"")]
    with pytest.raises(VendorUnavailable, match=r"Acme.*/a.*HTTP 500; 3 tries.*SOURCES__ACME__API_URL"):
        client.get("/a")
    with Vendor("acme", "Acme", "http://127.0.0.1:9", attempts=1) as nobody, pytest.raises(VendorUnavailable):
        nobody.get("/a")


def test_a_refused_key_and_a_page_in_front_are_told_apart(server, client):
    server.answers = [(401, {}, b'{"message":"no such key"}')]
    with pytest.raises(VendorError, match="no such key.*SOURCES__ACME__API_KEY"):
        client.get("/a")
    server.answers = [(403, {"Content-Type": "text/html"}, b"<html>")]
    with pytest.raises(VendorUnavailable, match="HTTP 403 with a web page.*blocks this machine; 3 tries"):
        client.get("/a")
    server.answers, server.requests = [(404, {"Content-Type": "text/html"}, b"<html>")], []
    with pytest.raises(VendorError, match="web page instead of JSON") as wrong_address:
        client.get("/a")
    assert not isinstance(wrong_address.value, VendorUnavailable) and len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("levels", [answers.DEEPEST + 1, 400, 100_000])
def test_an_answer_that_is_nested_too_deeply_is_told(server, client, status, levels):
    server.answers = [(status, {}, b"[" * levels + b"]" * levels)]
    with pytest.raises((VendorError, Refusal)) as raised:
        client.get("/a")
    if status == 200:
        assert "nested more than 64 levels" in str(raised.value) and "SOURCES__ACME__API_URL" in str(raised.value)
    server.answers = [(200, {}, b"[" * answers.DEEPEST + b"1" + b"]" * answers.DEEPEST)]
    assert client.get("/a").status == 200


@pytest.mark.parametrize("status", [200, 400])
def test_no_more_of_an_answer_is_read_than_its_limit(server, client, monkeypatch, status):
    monkeypatch.setattr(answers, "LARGEST", 1000)
    server.answers = [(status, {}, b'"' + b"x" * 998 + b'"')]
    if status == 200:
        assert len(client.get("/a").data) == 998
    server.answers = [(status, {}, b'"' + b"x" * 999 + b'"')]
    with pytest.raises(VendorError, match="more than 1,000 bytes.*SOURCES__ACME__API_URL"):
        client.get("/a")


def test_a_request_that_was_heard_is_not_made_again(server, client):
    server.answers = [(200, {"Content-Length": "90"}, b'{"id": 1'), (200, {}, b'{"id": 2}')]
    heard = vendor.Answer(200, b"", {"id": 1}, {})
    assert client.post("/a", {}, done=lambda: heard).data == {"id": 1}
    assert len(server.requests) == 1


def test_a_refused_request_carries_the_vendors_word(server, client):
    server.answers = [(404, {}, b'{"name":"NotInBlockchain","message":"never seen"}')]
    with pytest.raises(Refusal) as refused:
        client.get("/a")
    assert (refused.value.status, refused.value.message) == (404, "never seen")
    assert refused.value.body["name"] == "NotInBlockchain"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Sun, 22 Nov 2026 00:00:09 GMT"}, 9),
        ({"Retry-After": "soon"}, None),
        ({"X-RateLimit-Reset": "1795305605"}, 5),
        ({"X-RateLimit-Reset": "1795305606000"}, 6),
        ({"X-RateLimit-Reset": "3"}, 3),
        ({"RateLimit-Reset": "4"}, 4),
        ({"Retry-After": "99999"}, vendor.LONGEST_WAIT),
    ],
)
def test_how_long_a_vendor_asks_to_wait(headers, seconds):
    assert wait_of(headers, now=datetime(2026, 11, 22, tzinfo=UTC)) == seconds


def test_a_moment_is_meant_by_the_vendors_clock():
    headers = {"Date": "Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After": "Sun, 22 Nov 2026 10:00:07 GMT"}
    assert wait_of(headers) == 7


def test_an_empty_answer_to_a_question_is_asked_again(server, client):
    server.answers = [(200, {}, b""), (200, {}, b'{"a":1}')]
    assert client.get("/x").data == {"a": 1}
