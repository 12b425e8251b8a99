import pytest

from authgate.hooks.methods import ALIASES, METHODS, method, spellings
from authgate.model import Kind

CASES = {
    "connect": ("connect", Kind.CONNECT, True, True),
    "publish": ("publishStream", Kind.CALL, True, True),
    "hls has no session": ("playHLS", Kind.CALL, True, True),
    "data is asked for, though named an event": ("OnDataEvent", Kind.CALL, True, True),
    "incoming call": ("OnCallEvent", Kind.INCOMING, True, True),
    "event": ("StreamStatusEvent", Kind.EVENT, False, True),
    "the event that can be refused": ("StreamKeepAliveEvent", Kind.EVENT, True, True),
    "unknown event": ("StreamMoodEvent", Kind.EVENT, False, False),
    "unknown call": ("teleport", Kind.CALL, True, False),
    "letter case counts": ("Connect", Kind.CALL, True, False),
    "letter case counts in events": ("streamStatusEvent", Kind.EVENT, False, False),
}


@pytest.mark.parametrize(("name", "kind", "refusable", "known"), CASES.values(), ids=CASES)
def test_method(name, kind, refusable, known):
    found = method(name)
    assert (found.name, found.kind, found.refusable, found.known) == (name, kind, refusable, known)


@pytest.mark.parametrize(
    ("alias", "name"), {"sendDTMF": "sendDtmf", "sendBugReport": "submitBugReport"}.items(), ids=str
)
def test_two_spellings_are_one_method(alias, name):
    assert method(alias) == method(name) == METHODS[name]
    assert set(spellings(name)) == {alias, name}


def test_every_documented_method_is_known():
    documented = (
        "connect publishStream unPublishStream playStream pauseStream stopStream snapshot availableStream playHLS"
        " playRTSP sendStreamEvent call answer hold unhold transfer hangup sendDtmf sendMessage sendIMDN subscribe"
        " sendXcapRequest submitBugReport pushLogs sessionDebug OnDataEvent OnCallEvent OnMessageEvent"
        " OnTransferEvent ConnectionStatusEvent RegistrationStatusEvent StreamStatusEvent StreamKeepAliveEvent"
        " StreamEvent CallStatusEvent TransferStatusEvent MessageStatusEvent DataStatusEvent"
        " SubscriptionStatusEvent XcapStatusEvent BugReportStatusEvent SessionDebugStatusEvent"
        " RecordingStatusEvent ErrorStatusEvent StreamsStatEvent StreamTranscodingGroupEvent"
    ).split()
    assert set(documented) <= METHODS.keys()
    assert not ALIASES.keys() & METHODS.keys()
