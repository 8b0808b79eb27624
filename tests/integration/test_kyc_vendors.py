"""Identity vendors over real HTTP: what the servers hold is what lands, once, and nothing is lost."""

import json
import logging
import os
import shutil
from pathlib import Path

import pytest
import record_hashes
import requests

from ingestion import pipeline
from ingestion.kyc import kyc_source, sumsub
from ingestion.vendor import VendorError, VendorUnavailable
from orchestration import demo
from orchestration.soda import read_contracts, verify
from sandbox.vendor import in_thread
from sandbox.vendor import onfido as onfido_server
from sandbox.vendor import persona as persona_server
from sandbox.vendor import sumsub as sumsub_server
from sandbox.vendor.customers import customers
from sandbox.world import generate

REPOSITORY = Path(__file__).parents[2]
TABLES = ("parties", "accounts", "webhooks", "applicants", "documents", "reviews")


class Vendors:
    """The three servers behind one address, without the rest of the vendor sandbox; counts what they were asked."""

    def __init__(self, world: Path, **switches: object) -> None:
        limit = {"limit": switches.pop("limit")} if "limit" in switches else {}
        self.asked: list[str] = []
        self.servers = {
            sumsub_server.SUMSUB_PATH: sumsub_server.Sumsub(world, **switches),
            onfido_server.ONFIDO_PATH: onfido_server.Onfido(world, **switches),
            persona_server.PERSONA_PATH: persona_server.Persona(world, **switches, **limit),
        }

    async def __call__(self, request):
        self.asked.append(request.raw_path)
        return await next(s for p, s in self.servers.items() if request.raw_path.startswith(p + "/"))(request)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kyc_world")
    generate(folder, customers=40, days=2, seed=5)
    return folder


@pytest.fixture
def vendors(world: Path):
    handler = Vendors(world)
    with in_thread(handler) as url:
        handler.url = url
        yield handler


@pytest.fixture
def settings(world: Path, vendors: Vendors, tmp_path: Path) -> dict[str, str]:
    """The arguments of the source, all vendors configured; webhooks are the test's own."""
    prefix = "SOURCES__KYC__"
    found = {
        name.removeprefix(prefix).lower(): v
        for name, v in demo.every_feed(world, vendors.url).items()
        if name.startswith(prefix)
    }
    for vendor in ("sumsub", "onfido"):
        found[f"{vendor}_webhooks_url"] = shutil.copytree(found[f"{vendor}_webhooks_url"], tmp_path / vendor).as_posix()
    return found


def load(settings: dict[str, str], **more: object):
    return pipeline.run(kyc_source(**settings, **more), "kyc")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def unexplained() -> list[tuple]:
    landed = " union all ".join(f"select '{t}' as t, _extract_id as e from raw_kyc.{t}" for t in TABLES)  # noqa: S608 (names above)
    return query(f"""
        with landed as (
            select t, e, count(*) as n
            from ({landed} union all select table_name, extract_id from raw_kyc.rejects) group by all
        ),
        stated as (
            select table_name as t, extract_id as e, sum(source_rows) as m from raw_kyc.control_totals group by all
        )
        select * from landed full join stated using (t, e) where coalesce(n, 0) <> coalesce(m, 0)
    """)  # noqa: S608 (names above)


every_hash_agrees = record_hashes.agree_after_each_test("kyc")


def test_every_customer_of_every_vendor_lands_once(home, world, vendors, settings):
    load(settings)
    counts = dict(query("select vendor_code, count(*) from raw_kyc.applicants group by all"))
    assert counts == {vendor: len(customers(world, vendor)) for vendor in ("sumsub", "onfido", "persona")}
    assert sum(counts.values()) == 40
    known = {row[0] for row in query("select party_id from raw_kyc.applicants")}
    assert known == {customer.party_id for vendor in counts for customer in customers(world, vendor)}
    assert unexplained() == []
    asked = len(vendors.asked)
    assert not load(settings).loads_ids
    # Nothing is fetched by its id a second time: two pages of two Onfido lists, one of each Persona list
    assert len(vendors.asked) - asked == 6


def test_documents_come_with_country_and_expiry_and_answers_whole(home, world, settings):
    load(settings)
    for vendor in ("sumsub", "onfido", "persona"):
        documents = query(f"select expiry_date from raw_kyc.documents where vendor_code = '{vendor}' order by 1")  # noqa: S608 (names above)
        assert [day for (day,) in documents] == sorted(customer.expires for customer in customers(world, vendor))
    for vendor, path in (("sumsub", "externalUserId"), ("persona", "inquiry")):
        answers = query(f"select answer_json from raw_kyc.applicants where vendor_code = '{vendor}'")  # noqa: S608 (names above)
        assert all(path in json.loads(answer) for (answer,) in answers)


def test_webhooks_come_twice_and_out_of_order_and_the_applicant_is_fetched_once(home, world, vendors, settings):
    load({name: value for name, value in settings.items() if name.startswith("sumsub")})
    assert len([path for path in vendors.asked if path.endswith("/one")]) == len(customers(world, "sumsub"))
    twice = query("select count(*) - count(distinct webhook_id) from raw_kyc.webhooks where vendor_code = 'sumsub'")
    assert twice[0][0] > 0
    rows = query("""
        select applicants.updated_at, max(webhooks.event_at) from raw_kyc.applicants
        join raw_kyc.webhooks using (vendor_code, applicant_id) group by applicants.applicant_id, applicants.updated_at
    """)
    assert len(rows) == len(customers(world, "sumsub")) and all(updated == event for updated, event in rows)


def test_a_bad_signature_is_a_reject_with_its_reason(home, settings):
    load(settings)
    rejected = query("select table_name, reason_code, reason, raw_record from raw_kyc.rejects order by 1")
    assert [row[:2] for row in rejected] == [("webhooks", "invalid_signature")] * 2
    assert all("body_base64" in row[3] for row in rejected)


def test_an_applicant_the_vendor_does_not_give_is_a_reject_once(home, world, vendors, settings):
    gone = next(iter(vendors.servers[sumsub_server.SUMSUB_PATH].applicants))
    del vendors.servers[sumsub_server.SUMSUB_PATH].applicants[gone]
    load(settings)
    assert query("select table_name, reason_code from raw_kyc.rejects where reason_code = 'refused'") == [
        ("applicants", "refused")
    ]
    assert unexplained() == []
    vendors.asked.clear()
    assert not load(settings).loads_ids and not [path for path in vendors.asked if gone in path]


def test_a_changed_answer_is_a_further_version(home, world, vendors, settings):
    load(settings)
    inquiry = vendors.servers[persona_server.PERSONA_PATH].lists["inquiries"][0]
    inquiry["attributes"] |= {"status": "declined", "updated-at": "2026-02-01T00:00:00Z"}
    vendors.asked.clear()
    assert load(settings).loads_ids
    assert len([path for path in vendors.asked if "/inquiries/" in path]) == 1
    versions = query(f"select status_code, _known_at from raw_kyc.applicants where applicant_id = '{inquiry['id']}'")  # noqa: S608 (the sandbox's id)
    assert len(versions) == 2 and ("declined", versions[-1][1]) in versions
    assert str(max(known_at for _, known_at in versions)) == "2026-02-01 00:00:00"
    assert unexplained() == []


def test_webhooks_loaded_before_the_vendor_was_configured_are_caught_up(home, world, settings):
    later = {name: value for name, value in settings.items() if name.startswith("sumsub")}
    first = {name: value for name, value in later.items() if "webhook" in name}
    load(first)
    assert query("select count(*) from raw_kyc.applicants") == [(0,)]
    load(later)
    assert query("select count(*) from raw_kyc.applicants") == [(len(customers(world, "sumsub")),)]


def test_unknown_members_and_small_limits_change_nothing(home, world, settings):
    handler = Vendors(world, added_fields=True, limit=15)
    with in_thread(handler) as url:
        moved = {name: (url + v[v.index("/", 8) :]) if name.endswith("api_url") else v for name, v in settings.items()}
        source = kyc_source(**moved)
        pipeline.run(source, "kyc")
    assert source.resources["control_totals"].added_fields == {
        "sumsub.applicant.somethingNew", "onfido.applicant.something_new", "onfido.workflow_run.something_new",
        "persona.inquiry.something-new",
    }  # fmt: skip
    assert query("select count(*) from raw_kyc.applicants") == [(40,)]
    assert query("select count(*) from raw_kyc.applicants where contains(answer_json, 'omething')") == [(40,)]


def _inquiries(vendors: Vendors) -> list[dict]:
    return [one["attributes"] for one in vendors.servers[persona_server.PERSONA_PATH].lists["inquiries"]]


def _applicants(vendors: Vendors) -> list[dict]:
    return list(vendors.servers[sumsub_server.SUMSUB_PATH].applicants.values())


def _runs(vendors: Vendors) -> list[dict]:
    return vendors.servers[onfido_server.ONFIDO_PATH].lists["workflow_runs"]


@pytest.mark.parametrize(
    ("records", "member", "named"),
    [
        (_inquiries, "status", "persona"),
        (_applicants, "review", "sumsub"),
        (_runs, "status", "onfido"),
        (_runs, "applicant_id", "onfido"),
    ],
)
@pytest.mark.parametrize("is_gone", [True, False])
def test_a_member_that_is_gone_or_of_another_type_stops_the_feed(
    home, vendors, settings, records, member, named, is_gone
):
    for one in records(vendors):
        one.pop(member) if is_gone else one.update({member: [1]})
    with pytest.raises(VendorError, match=f"no longer answers as its contract says: of .* of {named} "):
        load(settings)
    assert not pipeline.warehouse_path().exists()


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("sumsub_api_secret", "wrong", "SOURCES__KYC__SUMSUB_API_KEY"),
        ("sumsub_api_secret", None, "SOURCES__KYC__SUMSUB_API_SECRET"),
        ("sumsub_webhook_secret", None, "SOURCES__KYC__SUMSUB_WEBHOOK_SECRET"),
        ("onfido_api_key", "wrong", "SOURCES__KYC__ONFIDO_API_KEY"),
        ("persona_api_key", "wrong", "SOURCES__KYC__PERSONA_API_KEY"),
    ],
)
def test_what_is_set_wrong_is_named_and_nothing_lands(home, settings, setting, value, named):
    with pytest.raises(VendorError, match=named) as refused:
        load(settings | {setting: value})
    assert not any(secret in str(refused.value) for name, secret in settings.items() if "secret" in name)
    assert not pipeline.warehouse_path().exists()


def test_a_vendor_that_is_down_is_unavailable(home, settings, monkeypatch):
    monkeypatch.setattr("ingestion.vendor.FIRST_DELAY", 0.0)
    with pytest.raises(VendorUnavailable, match="SOURCES__KYC__PERSONA_"):
        load(settings | {"persona_api_url": "http://127.0.0.1:9/api/v1"})


def test_without_configuration_the_tables_are_empty_and_nobody_is_asked(home):
    pipeline.run(kyc_source(), "kyc")
    assert query("select count(*) from raw_kyc.applicants") == [(0,)] and not pipeline.configured("kyc")
    assert not pipeline.run(kyc_source(), "kyc").loads_ids


def test_optional_files_land_beside_the_vendors(home, tmp_path, settings):
    folder = tmp_path / "files" / "delivery=2026-01-05"
    folder.mkdir(parents=True)
    lines = [
        "document_id,party_id,vendor_code,applicant_id,review_id,document_type_code,country_code,"
        "issued_date,expiry_date,valid_from_at",
        "D1,P1,branch,,,passport,DE,2020-01-01,2030-01-01,2026-01-05T00:00:00Z",
        "D2,,branch,,,passport,DE,,,2026-01-05T00:00:00Z",
        "D3,P3,branch,,,PASSPORT,DE,,,2026-01-05T00:00:00Z",
    ]
    (folder / "documents.csv").write_text("\n".join(lines) + "\n")
    load(settings, bucket_url=str(tmp_path / "files"))
    assert query("select document_id, party_id from raw_kyc.documents where vendor_code = 'branch'") == [("D1", "P1")]
    reasons = query("select reason_code from raw_kyc.rejects where table_name = 'documents' order by record_no")
    assert reasons == [("missing_value",), ("unknown_code",)] and unexplained() == []


def test_nothing_personal_is_logged(home, world, settings, caplog):
    with caplog.at_level(logging.DEBUG):
        load(settings)
    said = caplog.text
    names = {customer.last_name for vendor in ("sumsub", "onfido", "persona") for customer in customers(world, vendor)}
    assert said and not [name for name in names if name in said]
    assert not [v for name, v in settings.items() if name.endswith(("_secret", "_key")) and v in said]


def test_the_contracts_hold_and_find_what_is_planted(home, settings):
    load(settings)
    contracts = {c.table: c for c in read_contracts(REPOSITORY / "checks") if c.schema == "raw_kyc"}
    with pipeline.warehouse() as connection:
        for contract in contracts.values():
            assert [r.check_name for r in verify(contract, connection) if not r.passed] == []
        connection.execute("update raw_kyc.applicants set answer_json = 'cut off', updated_at = '2100-01-01'")
        connection.execute("update raw_kyc.documents set issued_date = expiry_date + 1, valid_from_at = '2100-01-01'")
        connection.execute("insert into raw_kyc.documents select * from raw_kyc.documents limit 1")
        connection.execute(
            "insert into raw_kyc.reviews select * replace ('x' as _extract_id) from raw_kyc.reviews limit 1"
        )
        connection.execute("update raw_kyc.reviews set valid_from_at = '2100-01-01'")
        connection.execute("update raw_kyc.webhooks set vendor_code = 'nobody'")
        failed = {t: {r.check_name for r in verify(c, connection) if not r.passed} for t, c in contracts.items()}
    expected = {
        "applicants": {"every_answer_is_kept_whole", "nothing_happened_after_it_became_known"},
        "documents": {
            "no_document_expires_before_it_was_issued",
            "nothing_happened_after_it_became_known",
            "duplicate",
        },
        "reviews": {"every_extract_has_its_control_total", "nothing_happened_after_it_became_known"},
        "webhooks": {"vendor_code"},
        "control_totals": {"every_record_of_an_extract_is_loaded_or_rejected"},
    }
    for table, names in expected.items():
        for name in names:
            assert any(name in found for found in failed[table]), (table, name, failed[table])


def test_the_servers_refuse_as_the_vendors_do(vendors):
    def get(path: str, **headers: str) -> requests.Response:
        return requests.get(vendors.url + path, headers=headers, timeout=10)

    one = next(iter(vendors.servers[sumsub_server.SUMSUB_PATH].applicants))
    path = f"{sumsub_server.SUMSUB_PATH}/resources/applicants/{one}/one"
    for moment, token, status in (("1", sumsub_server.APP_TOKEN, 401), ("now", "other", 401)):
        given = {"X-App-Token": token, "X-App-Access-Ts": moment, "X-App-Access-Sig": "0" * 64}
        assert get(path, **given).status_code == status
    auth = sumsub.Signed(sumsub_server.APP_TOKEN, sumsub_server.SECRET)
    made = requests.post(
        f"{vendors.url}{sumsub_server.SUMSUB_PATH}/resources/applicants?levelName=basic",
        data=b'{"externalUserId":"P9"}', auth=auth, timeout=10,
    )  # fmt: skip
    again = requests.get(
        f"{vendors.url}{sumsub_server.SUMSUB_PATH}/resources/applicants/-;externalUserId=P9/one", auth=auth, timeout=10
    )
    assert (made.status_code, again.json()["id"]) == (201, made.json()["id"])
    token = {"Authorization": f"Token token={onfido_server.TOKEN}"}
    page = get(f"{onfido_server.ONFIDO_PATH}/applicants?per_page=2", **token)
    assert len(page.json()["applicants"]) == 2 and 'rel="next"' in page.headers["Link"]
    assert get(f"{onfido_server.ONFIDO_PATH}/applicants?per_page=501", **token).status_code == 422
    assert get(f"{onfido_server.ONFIDO_PATH}/applicants").status_code == 401
    key = {"Authorization": f"Bearer {persona_server.KEY}"}
    page = get(f"{persona_server.PERSONA_PATH}/inquiries?page[size]=3", **key)
    assert page.json()["links"]["next"].startswith("/persona/api/v1/inquiries?page")
    assert int(page.headers["RateLimit-Remaining"]) < int(page.headers["RateLimit-Limit"])
    assert get(f"{persona_server.PERSONA_PATH}/inquiries?page[size]=101", **key).status_code == 400
    assert get(f"{persona_server.PERSONA_PATH}/inquiries").status_code == 401
    assert "SOURCES__KYC__SUMSUB_API_URL" not in os.environ
