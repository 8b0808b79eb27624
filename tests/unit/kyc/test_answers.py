"""Identity vendors' answers and webhooks as records: signatures, exact values, rejects, and a count made apart."""

import hashlib
import hmac
import json
from datetime import date, datetime

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.kyc import count, onfido, persona, sumsub, webhooks
from ingestion.kyc.records import Unusable

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=80)
AT = datetime(2026, 1, 5, 10)
SECRET = "hush"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def sumsub_answer(**changes: object) -> dict:
    return {
        "id": "a1",
        "createdAt": "2020-06-24 05:05:14",
        "externalUserId": "P1",
        "type": "individual",
        "info": {"country": "DEU", "idDocs": [{"idDocType": "PASSPORT", "country": "DEU", "validUntil": "2030-01-01"}]},
        "review": {
            "reviewId": "r1",
            "levelName": "basic",
            "reviewDate": "2020-06-24 05:11:02+0000",
            "reviewResult": {"reviewAnswer": "RED", "rejectLabels": ["PEP", "FORGERY"], "reviewRejectType": "FINAL"},
            "reviewStatus": "completed",
        },
        **changes,
    }


def test_a_sumsub_applicant_brings_its_documents_and_its_review():
    answer = json.dumps(sumsub_answer())
    found = sumsub.applicant(answer.encode(), "a1", AT)
    assert found.row["answer_json"] == answer and found.row["party_id"] == "P1" and found.rejects == []
    (document,), (review,) = found.documents, found.reviews
    assert (document["document_type_code"], document["country_code"]) == ("PASSPORT", "DEU")
    assert document["expiry_date"] == date(2030, 1, 1) and document["review_id"] == "r1"
    assert (review["answer_code"], review["reject_type_code"]) == ("RED", "FINAL")
    assert (review["reject_labels"], review["has_pep_hit"], review["has_watchlist_hit"]) == ("FORGERY;PEP", True, None)
    assert review["reviewed_at"] == datetime(2020, 6, 24, 5, 11, 2)


def test_a_document_that_cannot_be_read_is_a_reject_and_the_rest_lands():
    documents = [{"idDocType": "PASSPORT", "validUntil": "01.01.2030"}, {"idDocType": "ID_CARD"}, {}, "Zyxwvu"]
    found = sumsub.applicant(json.dumps(sumsub_answer(info={"idDocs": documents})).encode(), "a1", AT)
    assert [d["document_type_code"] for d in found.documents] == ["ID_CARD"]
    assert [r.problem.code for r in found.rejects] == ["invalid_date", "missing_value", "invalid_record"]
    assert not any("01.01" in str(r.problem) or "Zyxwvu" in str(r.problem) for r in found.rejects)
    keys = {"applicants": ["a1"], "documents": ["a1:1", "a1:2", "a1:3", "a1:4"], "reviews": ["r1"]}
    assert count.of_answers("sumsub", [found.text]) == [keys]
    assert [r.key for r in found.rejects] == ["a1:1", "a1:3", "a1:4"]


def test_an_answer_about_somebody_else_is_not_taken():
    with pytest.raises(Unusable, match="another applicant"):
        sumsub.applicant(json.dumps(sumsub_answer()).encode(), "a2", AT)


@given(st.sampled_from(["externalUserId", "info", "review", "createdAt", "type", "riskLabels"]), JSON)
@FIXED
def test_every_record_of_a_sumsub_answer_is_accounted_for(member: str, value: object):
    answer = json.dumps(sumsub_answer(**{member: value}))
    (counted,) = count.of_answers("sumsub", [answer])
    try:
        found = sumsub.applicant(answer.encode(), "a1", AT)
    except Unusable:
        return  # rejected whole, with as many documents and reviews as were counted
    for table in ("documents", "reviews"):
        landed = [row[f"{table[:-1]}_id"] for row in getattr(found, table)]
        landed += [reject.key for reject in found.rejects if reject.table == table]
        assert sorted(landed) == sorted(counted[table])


def onfido_whole(**run: object) -> dict:
    made = {"id": "w1", "applicant_id": "o1", "customer_user_id": "P2", "status": "approved", "reasons": [],
            "created_at": "2026-01-02T00:00:00Z", "updated_at": "2026-01-03T00:00:00Z"}  # fmt: skip
    return {"applicant": {"id": "o1", "created_at": "2026-01-01T00:00:00Z"}, "workflow_runs": [made | run]}


def test_an_onfido_applicant_is_known_with_its_newest_run():
    found = onfido.applicant(onfido_whole())
    assert found.known_at == datetime(2026, 1, 3) and found.row["party_id"] == "P2"
    assert found.reviews[0]["answer_code"] == "approved" and found.row["status_code"] == "approved"
    assert count.of_answers("onfido", [found.text]) == [{"applicants": ["o1"], "documents": [], "reviews": ["w1"]}]
    nobody = onfido.applicant({"applicant": {"id": "o1", "created_at": "2026-01-01T00:00:00Z"}, "workflow_runs": []})
    assert nobody.row["party_id"] is None and nobody.row["status_code"] is None


@given(st.sampled_from(["id", "status", "reasons", "workflow_id"]), JSON)
@FIXED
def test_every_run_of_an_onfido_applicant_is_accounted_for(member: str, value: object):
    try:
        found = onfido.applicant(onfido_whole(**{member: value}))
    except Unusable:
        return
    landed = [row["review_id"] for row in found.reviews] + [reject.key for reject in found.rejects]
    (counted,) = count.of_answers("onfido", [found.text])
    assert len(landed) == 1 and (landed == counted["reviews"] or not isinstance(value, str))


def persona_whole(**attributes: object) -> dict:
    said = {"status": "approved", "reference-id": "P3", "created-at": "2026-01-01T00:00:00.000Z"}
    inquiry = {"type": "inquiry", "id": "inq_1", "attributes": said}
    document = {"id-class": "pp", "country-code": "DE", "expiration-date": "2031-01-01"}
    return {
        "inquiry": inquiry,
        "included": [
            {"type": "verification/government-id", "id": "ver_1", "attributes": document | attributes},
            {"type": "verification/selfie", "id": "ver_2", "attributes": {}},
        ],
        "reports": [
            {
                "type": "report/politically-exposed-person",
                "id": "rep_1",
                "attributes": {"status": "ready", "has-match": True},
            }
        ],
    }


def test_a_persona_inquiry_brings_documents_and_reports():
    found = persona.applicant(persona_whole(), AT)
    assert found.row["party_id"] == "P3" and found.documents[0]["document_type_code"] == "pp"
    assert [(r["review_type_code"], r.get("has_pep_hit")) for r in found.reviews] == [("identity", None), ("pep", True)]
    (counted,) = count.of_answers("persona", [found.text])
    assert counted["documents"] == [found.documents[0]["document_id"]]
    assert counted["reviews"] == [review["review_id"] for review in found.reviews]


@given(st.sampled_from(["id-class", "country-code", "issue-date", "expiration-date"]), JSON)
@FIXED
def test_every_document_of_a_persona_inquiry_is_accounted_for(member: str, value: object):
    found = persona.applicant(persona_whole(**{member: value}), AT)
    (counted,) = count.of_answers("persona", [found.text])
    landed = [row["document_id"] for row in found.documents] + [reject.key for reject in found.rejects]
    assert len(landed) == 1 and landed == counted["documents"]


def test_a_request_is_signed_as_it_is_sent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sumsub.time, "time", lambda: 1_600_000_000.9)
    asked = requests.Request("POST", "https://h/resources/x", params={"a": "b c"}, data=b'{"k":1}').prepare()
    signed = sumsub.Signed("token", SECRET)(asked)
    right = hmac.new(SECRET.encode(), b'1600000000POST/resources/x?a=b+c{"k":1}', hashlib.sha256).hexdigest()
    assert signed.headers["X-App-Access-Sig"] == right and signed.headers["X-App-Access-Ts"] == "1600000000"


def sumsub_event(**changes: object) -> bytes:
    event = {"applicantId": "a1", "type": "applicantReviewed", "createdAtMs": "2020-02-21 13:23:19.321"}
    return json.dumps(event | changes).encode()


def signed(body: bytes, algorithm: str = "sha256", secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, algorithm).hexdigest()
    return {"X-Payload-Digest": digest, "x-payload-digest-alg": f"HMAC_{algorithm.upper()}_HEX"}


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_sumsub_webhook_is_taken_with_each_of_its_digests(algorithm: str):
    body = sumsub_event()
    found = webhooks.read("sumsub", webhooks.kept(signed(body, algorithm), body, "2026-01-05T00:00:00Z"), SECRET)
    assert (found.applicant_id, found.event_at) == ("a1", datetime(2020, 2, 21, 13, 23, 19, 321_000))
    assert found.row["body_json"] == body.decode() and found.webhook_id == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "invalid_signature"),
        (signed(sumsub_event(), secret="other"), "invalid_signature"),
        (signed(sumsub_event()) | {"x-payload-digest-alg": "HMAC_MD5_HEX"}, "invalid_signature"),
        (signed(sumsub_event()) | {"x-payload-digest-alg": "HMAC_SHA1_HEX"}, "invalid_signature"),
        (signed(sumsub_event()) | {"X-Payload-Digest": 7}, "invalid_signature"),
        (signed(sumsub_event()) | {"X-Payload-Digest": "ü"}, "invalid_signature"),
    ],
)
def test_a_wrong_signature_is_a_reject(headers: dict, code: str):
    line = json.dumps({"headers": headers, "body": sumsub_event().decode()}).encode()
    with pytest.raises(Unusable) as problem:
        webhooks.read("sumsub", line, SECRET)
    assert problem.value.code == code


def test_a_persona_signature_counts_with_any_of_its_pairs():
    body = json.dumps(
        {"data": {"attributes": {"name": "inquiry.approved", "created-at": "2026-01-05T10:00:00Z",
                                 "payload": {"data": {"type": "inquiry", "id": "inq_1"}}}}}
    ).encode()  # fmt: skip
    right = hmac.new(SECRET.encode(), b"17." + body, hashlib.sha256).hexdigest()
    line = webhooks.kept({"Persona-Signature": f"t=17,v1={'0' * 64} t=17,v1={right}"}, body, "2026-01-05T10:00:01Z")
    assert webhooks.read("persona", line, SECRET).applicant_id == "inq_1"
    with pytest.raises(Unusable, match="signature"):
        webhooks.read("persona", line.replace(b"t=17", b"t=18"), SECRET)


def test_the_published_onfido_vector_verifies(shared_data):
    vector = json.loads((shared_data / "kyc/onfido_signature_vector.json").read_text())
    body, secret = vector["raw_body"].encode(), vector["token"]
    line = webhooks.kept({vector["header"]: vector["valid_signature"]}, body, "2026-01-05T10:00:00Z")
    found = webhooks.read("onfido", line, secret)
    assert (found.event_type, found.event_at) == ("workflow_task.started", datetime(2024, 7, 10, 12, 49, 9))
    assert onfido.webhook_document(found.content) is None and count.documents_in([found.body]) == []
    with pytest.raises(Unusable, match="signature"):
        webhooks.read(
            "onfido", line.replace(vector["valid_signature"].encode(), vector["invalid_signature"].encode()), secret
        )


def test_a_published_document_check_is_a_document(shared_data):
    text = (shared_data / "kyc/onfido_studio_webhook_event_with_object_in_output.json").read_text()
    found = onfido.webhook_document(json.loads(text))
    assert (found["document_type_code"], found["country_code"]) == ("passport", "GBR")
    assert found["expiry_date"] == date(2031, 5, 28) and found["review_id"] == "b48fdff9-66a1-405d-9912-54780799bd68"
    assert count.documents_in([text]) == [found["document_id"]]
    listed = (shared_data / "kyc/onfido_studio_webhook_event_with_list_in_output.json").read_text()
    assert onfido.webhook_document(json.loads(listed)) is None and count.documents_in([listed]) == []


@given(st.sampled_from(["sumsub", "onfido", "persona"]), JSON | st.just({}), st.binary(max_size=60))
@FIXED
def test_no_line_and_no_body_crashes_the_reader(vendor: str, content: object, junk: bytes):
    body = json.dumps(content).encode()
    headers = signed(body) | {"X-SHA2-Signature": signed(body)["X-Payload-Digest"]}
    moment_signed = hmac.new(SECRET.encode(), b"1." + body, hashlib.sha256).hexdigest()
    headers["Persona-Signature"] = f"t=1,v1={moment_signed}"
    for line in (webhooks.kept(headers, body, "2026-01-05T10:00:00Z"), junk, json.dumps(content).encode()):
        with pytest.raises(Unusable):
            webhooks.read(vendor, line, SECRET)
