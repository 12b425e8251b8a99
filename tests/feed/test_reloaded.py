"""Webhooks come, change their secrets and go while the server runs."""

from tests.feed.receiver import SECRET, Receiver
from tests.server.running import running
from tests.trouble import awaited

OTHER = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="


def section(url, *secrets):
    listed = ", ".join(f'"{secret}"' for secret in secrets)
    return f'[[webhooks]]\nname = "crm"\nurl = "{url}"\nsecrets = [{listed}]\n'


def test_a_webhook_is_taken_over_by_the_running_server(tmp_path):
    with Receiver(SECRET) as first, Receiver(OTHER) as second, running(tmp_path / "run", "", 1) as server:

        def happened(name):
            assert server.send("StreamStatusEvent", name=name, status="PLAYING")[0] == 200

        happened("before")
        assert not server.take_over(section(first.url, SECRET)).faults
        awaited(lambda: '"state": "good"' in server.server.run("webhook", "list", "--json"))
        happened("one")
        first.until(1)
        assert not server.take_over(
            section(second.url, SECRET, OTHER)
        ).faults  # its receiver knows the new secret alone
        happened("two")
        second.until(1)
        awaited(lambda: '"behind": 0' in server.server.run("webhook", "list", "--json"))
        assert not server.take_over("").faults
        happened("three")
        assert "not configured" in server.server.run("webhook", "list")
    assert [message["data"]["stream"] for _, message in first.taken] == ["one"]
    assert [message["data"]["stream"] for _, message in second.taken][-1] == "two"
