"""Documents as Keycloak, Google and Microsoft Entra publish them, with keys that were made for these tests."""

import json

import pytest

from authgate.key_sets.fetch import keys_url
from authgate.key_sets.place import FetchError, address
from authgate.ports import KeySource
from authgate.verifiers.claims import parts
from authgate.verifiers.jwks import JwksOptions, read_key_set
from tests.key_sets.issuer import ASYMMETRIC, provided

TENANT = "https://login.microsoftonline.com/8a3c1e52-4b7d-4c1f-9a60-2f5d7e8b9c01"
TOKENS = json.loads(provided("tokens.json"))

# The issuer, where its keys are, how many of them are good, the algorithms of each, and what is said of the others.
PROVIDERS = {
    "keycloak": (
        "https://keycloak.example.com/realms/media",
        "https://keycloak.example.com/realms/media/protocol/openid-connect/certs",
        1,
        ("RS256",),
        ["is not for signatures (use)"],
    ),
    "google": ("https://accounts.google.com", "https://www.googleapis.com/oauth2/v3/certs", 2, ("RS256",), []),
    "entra": (f"{TENANT}/v2.0", f"{TENANT}/discovery/v2.0/keys", 2, ASYMMETRIC[:6], []),
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_discovery_leads_to_the_keys(name):
    issuer, url, *_ = PROVIDERS[name]
    assert address(KeySource(issuer, "", ())) == f"{issuer}/.well-known/openid-configuration"
    assert JwksOptions(discover=True).fault_of_issuer(issuer) == ""
    assert keys_url(issuer, provided(f"{name}-discovery.json")) == url


@pytest.mark.parametrize("name", PROVIDERS)
def test_keys_are_read(name):
    _, _, count, algorithms, said = PROVIDERS[name]
    found = read_key_set(provided(f"{name}-keys.json"), ASYMMETRIC)
    published = json.loads(provided(f"{name}-keys.json"))["keys"]
    taken = list(dict.fromkeys(key.id for key in found.keys))
    assert taken == [each["kid"] for each in published if each["use"] == "sig"]
    assert len(taken) == count
    assert tuple(key.algorithm for key in found.keys) == algorithms * count
    assert [note.partition("' ")[2] for note in found.notes] == said


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_token_is_verified_by_the_key_it_names_and_by_no_other(name):
    token = parts(TOKENS[name])
    found = read_key_set(provided(f"{name}-keys.json"), ("RS256",))
    (named,) = found.matching(token.header["kid"], "RS256")
    assert named.signed(token.message, token.signature)
    assert not named.signed(token.message + b"x", token.signature)
    others = [key for each in PROVIDERS for key in read_key_set(provided(f"{each}-keys.json"), ("RS256",)).keys]
    assert sum(key.signed(token.message, token.signature) for key in others) == 1


def test_entra_for_all_tenants_is_nobodys_issuer():
    for issuer in (f"{TENANT}/v2.0", "https://login.microsoftonline.com/common/v2.0"):
        with pytest.raises(FetchError, match="names another issuer"):
            keys_url(issuer, provided("entra-common-discovery.json"))


def test_every_document_is_below_the_default_limit():
    for name in PROVIDERS:
        for what in ("keys", "discovery"):
            assert len(provided(f"{name}-{what}.json")) < JwksOptions("https://x").max_bytes
