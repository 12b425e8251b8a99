import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.hooks.address import client_address

CASES = {
    "WebSocket": ("/203.0.113.7:52791/192.0.2.10:8443", "203.0.113.7"),
    "with a UUID": ("/203.0.113.7:53438/192.0.2.10:8443-5b0c6f0e-1111-4222-8333-944455556666", "203.0.113.7"),
    "by domain": ("/203.0.113.7:53438/abcdef0123456789", "203.0.113.7"),
    "CDN, without ports": ("/192.0.2.20/192.0.2.10-Pci4P605", "192.0.2.20"),
    "IPv6 as Java prints it": ("/0:0:0:0:0:0:0:1:53438/0:0:0:0:0:0:0:1:8443", "::1"),
    "IPv6 without a port": ("/2001:db8:0:0:0:0:0:1/192.0.2.10", "2001:db8::1"),
    "IPv6 in brackets": ("/[2001:db8::1]:53438/[::1]:8443", "2001:db8::1"),
    "IPv6 with a zone": ("/[fe80::1%eth0]:53438/x", "fe80::1"),
    "IPv4 in IPv6": ("/[::ffff:203.0.113.7]:53438/x", "203.0.113.7"),
    "bare UUID": ("44444444-cf9c-49aa-8144-022dfc0cdd0b", None),
    "old HLS": ("stream1-HLS", None),
    "nothing": ("", None),
    "a slash": ("/", None),
    "no address": ("/example.com:80/x", None),
    "too many numbers": ("/203.0.113.7.9:80/x", None),
    "no port after the colon": ("/203.0.113.7:port/x", None),
    "an address that is not first": ("x/203.0.113.7:52791/192.0.2.10:8443", None),
    "two slashes": ("//203.0.113.7:52791", None),
    "half a bracket": ("/[2001:db8::1", "2001:db8::1"),
}


@pytest.mark.parametrize(("session", "address"), CASES.values(), ids=CASES)
def test_client_address(session, address):
    found = client_address(session)
    assert (None if found is None else str(found).split("%")[0]) == address


@given(st.text())
def test_whatever_comes_nothing_breaks(session):
    client_address(session)
    client_address(f"/{session}")
