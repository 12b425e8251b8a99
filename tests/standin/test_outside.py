"""The stand-in: under which name a stream lives, and what reaches cameras, telephones and players of other kinds."""

import json

import pytest

from tests.standin.backend import Say, configured, refused
from tests.standin.outside import Account, Dialed

CAMERA = "rtsp://viewer:camera-secret@198.51.100.7/main"
SIP = {"sipLogin": "1001", "sipPassword": "sip-secret", "sipDomain": "pbx.example.net"}
ACCOUNT = Account("1001", "sip-secret", "pbx.example.net")


def overwrite(field):
    return {"restPolicy": "OVERWRITE", "restOverwrite": field}


def says(**fields):
    """An answer with these fields and no others."""
    return Say(body=json.dumps(fields).encode())


RENAMES = {
    "overwritten": (overwrite("name"), "inner"),
    "under NOTIFY": ({"restPolicy": "NOTIFY", "restOverwrite": "name"}, "cam"),
    "name not listed": (overwrite("record"), "cam"),
}


@pytest.mark.parametrize(("entry", "name"), RENAMES.values(), ids=RENAMES)
async def test_stream_lives_under_one_name(bench, entry, name):
    """Whoever asks for another finds nothing, by whatever way."""
    await bench.start({"connect": configured(publishStream=entry), "publishStream": says(name="inner")})
    publisher, viewer = await bench.session(), await bench.session()
    stream = await publisher.publish("cam")
    wrong = {"inner": "cam", "cam": "inner"}[name]
    for asked, there in ((name, True), (wrong, False)):
        assert (await viewer.play(asked))["status"] == ("PLAYING" if there else "FAILED")
        assert (await viewer.available(asked))["status"] == ("true" if there else "false")
        assert ("type" in await viewer.snapshot(asked)) is there
        assert await bench.wcs.play_hls(asked, {}) == (200 if there else 404)
        assert await bench.wcs.play_rtsp(asked, {}) is there
    assert (await publisher.stop(stream))["status"] == "UNPUBLISHED"
    assert (await viewer.available(name))["status"] == "false"


HIDES = {"nothing hidden": ("", True), "name hidden": ("name", False)}


@pytest.mark.parametrize(("hidden", "leaks"), HIDES.values(), ids=HIDES)
async def test_publisher_is_told_the_name_that_its_stream_lives_under(bench, hidden, leaks):
    config = configured(publishStream=overwrite("name"), StreamStatusEvent={"clientExclude": hidden})
    await bench.start({"connect": config, "publishStream": says(name="inner")})
    one = await bench.session()
    await one.stop(await one.publish("cam"))
    assert any("inner" in sent.text for sent in bench.wcs.sent) is leaks
    assert {hook.sent["name"] for hook in bench.wcs.hooks("StreamStatusEvent")} == {"inner"}


PULLS = {
    "overwritten": (overwrite("name"), "PLAYING"),
    "under NOTIFY": ({"restPolicy": "NOTIFY", "restOverwrite": "name"}, "FAILED"),
    "name not listed": (overwrite("record"), "FAILED"),
}


@pytest.mark.parametrize(("entry", "status"), PULLS.values(), ids=PULLS)
async def test_pull_from_an_address_that_no_client_knows(bench, entry, status):
    await bench.start({"connect": configured(playStream=entry), "playStream": says(name=CAMERA)})
    bench.wcs.outside.cameras.add(CAMERA)
    assert (await (await bench.session()).play("lobby"))["status"] == status
    assert bench.wcs.outside.pulled == ([CAMERA] if status == "PLAYING" else [])


async def test_without_exclusion_the_address_is_sent_to_the_client(bench):
    await bench.start({"connect": configured(playStream=overwrite("name")), "playStream": says(name=CAMERA)})
    bench.wcs.outside.cameras.add(CAMERA)
    await (await bench.session()).play("lobby")
    assert any("camera-secret" in sent.text for sent in bench.wcs.sent)


async def test_pull_from_where_no_camera_is(bench):
    await bench.start({})
    one = await bench.session()
    assert (await one.play(CAMERA))["info"] == "Stream not found"
    assert "type" not in await one.snapshot(CAMERA)


async def test_viewers_share_what_is_pulled(bench):
    await bench.start({})
    bench.wcs.outside.cameras.add(CAMERA)
    one, two = await bench.session(), await bench.session()
    assert (await one.play(CAMERA))["status"] == (await two.play(CAMERA))["status"] == "PLAYING"
    assert bench.wcs.outside.pulled == [CAMERA]
    assert "type" in await two.snapshot(CAMERA)


REDIRECTS = {
    "overwritten": (overwrite("callee"), "+4930901820"),
    "under NOTIFY": ({"restPolicy": "NOTIFY", "restOverwrite": "callee"}, "sales"),
    "callee not listed": (overwrite("caller"), "sales"),
}


@pytest.mark.parametrize(("entry", "callee"), REDIRECTS.values(), ids=REDIRECTS)
async def test_call_reaches_the_callee_that_it_is_left_with(bench, entry, callee):
    await bench.start({"connect": configured(call=entry), "call": says(callee="+4930901820")})
    one = await bench.session()
    assert (await one.call("sales", visibleName="Web"))["status"] == "ESTABLISHED"
    assert bench.wcs.outside.dialed == [Dialed(callee, None, "Web")]


async def test_refused_call_reaches_nobody(bench):
    await bench.start({"connect": configured(call={"restOnError": "FAIL"}), "call": refused()})
    assert (await (await bench.session()).call("sales"))["status"] == "FAILED"
    assert bench.wcs.outside.dialed == []


async def test_account_of_the_answer_to_connect_is_the_one_in_use(bench):
    await bench.start({"connect": says(**SIP)})
    bench.wcs.outside.accounts = {"1001": "sip-secret"}
    one = await bench.session()
    await one.hear({"registered": {}})
    assert bench.wcs.outside.registered == [ACCOUNT]
    assert (await one.call("sales"))["status"] == "ESTABLISHED"
    assert bench.wcs.outside.dialed == [Dialed("sales", ACCOUNT)]
    (event,) = bench.wcs.hooks("RegistrationStatusEvent")
    assert event.sent.items() >= (SIP | {"status": "REGISTERED"}).items()


STRANGERS = {"no account": {}, "wrong password": SIP | {"sipPassword": "guess"}, "unknown": SIP | {"sipLogin": "666"}}


@pytest.mark.parametrize("offered", STRANGERS.values(), ids=STRANGERS)
async def test_exchange_that_knows_its_accounts_takes_no_others(bench, offered):
    await bench.start({})
    bench.wcs.outside.accounts = {"1001": "sip-secret"}
    one = await bench.session(**offered)
    assert (await one.call("sales"))["status"] == "FAILED"
    assert (bench.wcs.outside.registered, bench.wcs.outside.dialed) == ([], [])
    told = [hook.sent["status"] for hook in bench.wcs.hooks("RegistrationStatusEvent")]
    assert told == (["AUTHENTICATION_FAIL"] if offered else [])


async def test_session_that_need_not_be_registered_is_not(bench):
    await bench.start({})
    one = await bench.session(**SIP, sipRegisterRequired=False)
    assert (await one.call("sales"))["status"] == "ESTABLISHED"
    assert bench.wcs.outside.registered == []
    assert bench.wcs.outside.dialed[0].account == ACCOUNT


HIDDEN = {"clientExclude": ",".join(SIP)}
EXCLUSIONS = {
    "nothing": ({}, True),
    "of one event only": ({"ConnectionStatusEvent": HIDDEN}, True),
    "of both events": ({"ConnectionStatusEvent": HIDDEN, "RegistrationStatusEvent": HIDDEN}, False),
}


@pytest.mark.parametrize(("methods", "leaks"), EXCLUSIONS.values(), ids=EXCLUSIONS)
async def test_account_is_sent_to_the_client_unless_excluded(bench, methods, leaks):
    await bench.start({"connect": configured(**methods)})
    one = await bench.session(**SIP)
    await one.hear({"registered": {}})
    assert any("sip-secret" in sent.text for sent in bench.wcs.sent) is leaks


async def test_keep_alive_ends_those_streams_that_are_refused(bench):
    await bench.start({"connect": configured(StreamKeepAliveEvent={"restOnError": "FAIL"})})
    one, two = await bench.session(), await bench.session()
    await one.publish("kept")
    await two.publish("cut")
    bench.backend.answers["StreamKeepAliveEvent"] = [Say(), refused()]
    await bench.wcs.keep_alive()
    await two.hear({"notifyStreamStatusEvent": {"status": "FAILED", "info": "Terminated by keep-alive"}})
    assert [stream.name for stream in bench.wcs.node.streams()] == ["kept"]
