"""What was found in the library that verifies for us, or close by, against our verifiers: each by its name."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authgate.model import Credentials, Reason, Secret, User
from authgate.verifiers.issued import IssuedVerifier
from authgate.verifiers.jwks import read_key_set
from authgate.verifiers.token import KeyOptions, TokenVerifier
from tests.verifiers import forge
from tests.verifiers.fakes import means
from tests.verifiers.forge import GOOD, HEADER, NOW, SECRET, b64, private_pem, public_pem, segment, signed
from tests.verifiers.ours import MASTER, jwt, outcome

HMAC = TokenVerifier(Secret(SECRET))
SPKI, PKCS1 = PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1
RSA_PEM = public_pem(forge.RSA)


def reason(text: str, verifier: TokenVerifier = HMAC) -> Reason | None:
    reading = verifier.read(text, NOW)
    return None if reading is None else reading.reason


def encoded(key: Any, encoding: Encoding, form: PublicFormat = SPKI) -> str:
    return key.public_key().public_bytes(encoding, form).decode()


def certificate() -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer.example")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(forge.RSA.public_key())
    made = made.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    signed_one = made.not_valid_after(datetime(2021, 1, 1, tzinfo=UTC)).sign(forge.RSA, hashes.SHA256())
    return signed_one.public_bytes(Encoding.PEM).decode()


def refuses_as_secret(text: str) -> None:
    """Nobody can configure it as a secret, alone or among others; nor is it shown."""
    for options in ({"key": Secret(text)}, {"keys": (KeyOptions(Secret(SECRET)), KeyOptions(Secret(text)))}):
        with pytest.raises(ValueError, match="is a PEM, an SSH key or a JWK") as caught:
            TokenVerifier(**options)  # type: ignore[arg-type]
        assert text not in str(caught.value)


PEMS = {
    "PUBLIC KEY": RSA_PEM,
    "RSA PUBLIC KEY": encoded(forge.RSA, Encoding.PEM, PKCS1),
    "CERTIFICATE": certificate(),
    "PRIVATE KEY": private_pem(forge.RSA),
    "EC": public_pem(forge.P256),
    "EC of 521 bits": public_pem(forge.P521),
    "Ed25519": public_pem(forge.ED25519),
    "Ed448": public_pem(forge.ED448),
    "DSA": public_pem(dsa.generate_private_key(1024)),
    "X.509 under its older name": RSA_PEM.replace("PUBLIC KEY", "X509 CERTIFICATE"),
    "trusted certificate": RSA_PEM.replace("PUBLIC KEY", "TRUSTED CERTIFICATE"),
    "certificate request": RSA_PEM.replace("PUBLIC KEY", "CERTIFICATE REQUEST"),
    "encrypted private key": RSA_PEM.replace("PUBLIC KEY", "ENCRYPTED PRIVATE KEY"),
    "OpenSSH private key": RSA_PEM.replace("PUBLIC KEY", "OPENSSH PRIVATE KEY"),
    "EC PRIVATE KEY": RSA_PEM.replace("PUBLIC KEY", "EC PRIVATE KEY"),
    "with text before it": "issuer.example\n" + RSA_PEM,
    "with blanks before it": "\n \t" + RSA_PEM,
    "with a byte order mark before it": "\ufeff" + RSA_PEM,
}


@pytest.mark.parametrize("text", PEMS.values(), ids=PEMS)
def test_cve_2017_11424_a_pem_is_never_an_hmac_secret(text: str) -> None:
    """GHSA-r9jw-mwhq-wp62: ``-----BEGIN RSA PUBLIC KEY-----`` was not on the list of what is no secret."""
    refuses_as_secret(text)


SSH = {
    "ssh-rsa": encoded(forge.RSA, Encoding.OpenSSH, PublicFormat.OpenSSH),
    "ssh-ed25519": encoded(forge.ED25519, Encoding.OpenSSH, PublicFormat.OpenSSH),
    "ecdsa-sha2-nistp256": encoded(forge.P256, Encoding.OpenSSH, PublicFormat.OpenSSH),
    "ecdsa-sha2-nistp521": encoded(forge.P521, Encoding.OpenSSH, PublicFormat.OpenSSH),
    "with a comment": encoded(forge.ED25519, Encoding.OpenSSH, PublicFormat.OpenSSH) + " ann@laptop",
    "with blanks before it": "\n  " + encoded(forge.ED25519, Encoding.OpenSSH, PublicFormat.OpenSSH),
    "of a security key": "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t",
    "of a security key, ECDSA": "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZ",
    "certificate": "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t",
    "as RFC 4716 writes it": "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQABAAABAQ\n---- END SSH2",
}


@pytest.mark.parametrize("text", SSH.values(), ids=SSH)
def test_cve_2022_29217_an_ssh_key_is_never_an_hmac_secret(text: str) -> None:
    """GHSA-ffqj-6fqr-9h24: of the keys of SSH only those with RSA were known."""
    refuses_as_secret(text)


FLAT = RSA_PEM.replace("\n", " ")
MUTATED = {
    "its lines joined by spaces": FLAT,
    "its lines joined": RSA_PEM.replace("\n", ""),
    "line ends of another system": RSA_PEM.replace("\n", "\r\n"),
    "line ends of an older system": RSA_PEM.replace("\n", "\r"),
    "line ends as two characters": RSA_PEM.replace("\n", "\\n"),
    "two spaces in its first line": RSA_PEM.replace("BEGIN ", "BEGIN  "),
    "a tab in its first line": RSA_PEM.replace("BEGIN PUBLIC", "BEGIN\tPUBLIC"),
    "a line end in its first line": RSA_PEM.replace("BEGIN PUBLIC", "BEGIN\nPUBLIC"),
    "a space no line breaks at": RSA_PEM.replace("BEGIN PUBLIC", "BEGIN\u00a0PUBLIC"),
    "small letters": RSA_PEM.lower(),
    "a space after its dashes": RSA_PEM.replace("-----BEGIN", "----- BEGIN"),
    "indented": RSA_PEM.replace("\n", "\n    "),
    "no last line": RSA_PEM.partition("-----END")[0],
}


@pytest.mark.parametrize("text", MUTATED.values(), ids=MUTATED)
def test_cve_2026_102268_a_pem_whose_blanks_were_changed_is_no_secret_either(text: str) -> None:
    """GHSA-ffc3-869f-jxw9: what an environment variable or a YAML file makes of a PEM."""
    refuses_as_secret(text)


OCT = {"kty": "oct", "k": b64(SECRET.encode())}
PUBLIC_JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64(forge.ED25519.public_key().public_bytes_raw())}
JWKS = {
    "a public key": json.dumps(PUBLIC_JWK),
    "a secret": json.dumps(OCT),
    "indented": json.dumps(PUBLIC_JWK, indent=1),
    "with blanks before it": "\n\t " + json.dumps(PUBLIC_JWK),
    "a set": json.dumps({"keys": [PUBLIC_JWK]}),
    "a list": json.dumps([PUBLIC_JWK]),
    "a list in a list": json.dumps([[PUBLIC_JWK]]),
    "a set inside something else": json.dumps({"issuer": {"keys": [PUBLIC_JWK]}}),
    "kty written with an escape": json.dumps(PUBLIC_JWK).replace("kty", "\\u006bty"),
    "with a byte order mark before it": "\ufeff" + json.dumps(PUBLIC_JWK),
}


@pytest.mark.parametrize("text", JWKS.values(), ids=JWKS)
def test_cve_2026_48526_and_102273_a_jwk_or_a_set_of_them_is_never_an_hmac_secret(text: str) -> None:
    """GHSA-xgmm-8j9v-c9wx, GHSA-w2cx-738m-mc7w: first no JWK was known, and then only one by itself."""
    refuses_as_secret(text)


BODIES = {
    "the inside of a PEM": "".join(RSA_PEM.splitlines()[1:-1]),
    "the inside of a PEM, in its lines": "\n".join(RSA_PEM.splitlines()[1:-1]),
    "the inside of a PKCS #1 PEM": "".join(PEMS["RSA PUBLIC KEY"].splitlines()[1:-1]),
    "the inside of an EC PEM": "".join(public_pem(forge.P256).splitlines()[1:-1]),
    "the inside of an Ed25519 PEM": "".join(public_pem(forge.ED25519).splitlines()[1:-1]),
    "the inside of a certificate": "".join(PEMS["CERTIFICATE"].splitlines()[1:-1]),
}


@pytest.mark.parametrize("text", BODIES.values(), ids=BODIES)
def test_ghsa_p4g4_x82p_q773_a_der_key_is_never_an_hmac_secret(text: str) -> None:
    """A key without its PEM's first and last line, as Keycloak shows it to be copied."""
    refuses_as_secret(text)


GOOD_SECRETS = {
    "base64 of a secret": base64.b64encode(b"k" * 48).decode(),
    "base64 that begins as a key does": "MII" + "x" * 61,
    "hexadecimal": "0123456789abcdef" * 4,
    "words with a dash": "ssh is what we use, and ecdsa too, in this house",
    "dashes": "----------------------------------------",
    "braces inside": "a secret {with} braces, and as long as it must be",
}


@pytest.mark.parametrize("text", GOOD_SECRETS.values(), ids=GOOD_SECRETS)
def test_a_secret_that_only_looks_like_something_is_a_secret(text: str) -> None:
    assert reason(signed(key=text), TokenVerifier(Secret(text))) is Reason.OK


ISSUERS = {
    "of which ours is a part": "_acb_",
    "which is a part of ours": "ac",
    "which is a letter of ours": "a",
    "with a space": "acb ",
    "in capitals": "ACB",
    "with a NUL": "acb\0",
}


@pytest.mark.parametrize("issuer", ISSUERS.values(), ids=ISSUERS)
def test_cve_2024_53861_an_issuer_is_compared_as_a_whole(issuer: str) -> None:
    """GHSA-75c5-xw7c-p5pm: "acb" was accepted where "_acb_" was expected."""
    for ours, theirs in (("acb", issuer), (issuer.strip("\0") or "x", "acb")):
        if ours != theirs:
            text = signed(GOOD | {"iss": theirs})
            assert reason(text, TokenVerifier(Secret(SECRET), issuer=ours)) in (None, Reason.TOKEN_INVALID)


@pytest.mark.parametrize("issuer", [["acb"], ["x", "acb"], [], {"acb": 1}, 0, True, None], ids=repr)
async def test_cve_2024_53861_an_issuer_is_no_list(issuer: object) -> None:
    text = signed(GOOD | {"iss": issuer})
    assert reason(text, TokenVerifier(Secret(SECRET), issuer="acb")) is Reason.TOKEN_INVALID
    assert reason(text) is Reason.TOKEN_INVALID
    assert await outcome(jwt(iss=issuer)) is None


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_cve_2025_45768_a_secret_that_is_too_short_is_refused(algorithm: str, least: int) -> None:
    """GHSA-xpf8-484v-j9w6 (RFC 7518, 3.2)."""
    with pytest.raises(ValueError, match=f"has {least - 1} bytes, but {algorithm} needs {least}"):
        TokenVerifier(Secret("k" * (least - 1)), algorithms=(algorithm,))
    verifier = TokenVerifier(Secret("k" * least), algorithms=(algorithm,))
    assert reason(signed(GOOD, {"alg": algorithm}, "k" * least, algorithm), verifier) is Reason.OK
    with pytest.raises(ValueError, match="has 31 bytes"):
        IssuedVerifier((Secret("k" * 31),))


CRIT: dict[str, dict[str, object]] = {
    "an unknown extension": {"crit": ["x-custom-policy"], "x-custom-policy": "require-mfa"},
    "one that is not there": {"crit": ["none-such"]},
    "b64": {"crit": ["b64"], "b64": False},
    "b64, and true": {"crit": ["b64"], "b64": True},
    "a known name": {"crit": ["alg"]},
    "several": {"crit": ["b64", "x"], "b64": False, "x": 1},
    "an empty list": {"crit": []},
    "text": {"crit": "b64"},
    "null": {"crit": None},
    "false": {"crit": False},
    "an object": {"crit": {"b64": 1}},
}


@pytest.mark.parametrize("header", CRIT.values(), ids=CRIT)
async def test_cve_2026_32597_a_critical_header_that_nobody_understands_is_refused(header: dict[str, object]) -> None:
    """GHSA-752w-5fwx-jx9f (RFC 7515, 4.1.11). We understand none."""
    assert reason(signed(GOOD, HEADER | header)) is Reason.TOKEN_INVALID
    ours = signed(
        json.dumps(GOOD | {"iss": "authgate"}), {"alg": "EdDSA", "kid": "ed"} | header, forge.ED25519, "EdDSA"
    )
    assert await outcome(ours) is Reason.TOKEN_INVALID


def test_ghsa_w7vc_732c_9m39_a_payload_that_is_not_encoded_is_not_read() -> None:
    """Detached and unencoded payloads (RFC 7797): the bytes in the token were decoded, and others verified."""
    head = segment(HEADER | {"b64": False, "crit": ["b64"]})
    for middle in ("", "%7B%7D", "{}", "A" * 6_000, json.dumps(GOOD)):
        message = f"{head}.{middle}"
        assert reason(f"{message}.{b64(forge.signature(message.encode(), SECRET, 'HS256'))}") is Reason.TOKEN_INVALID


def test_cve_2026_48523_the_algorithm_of_the_header_is_the_one_that_verifies() -> None:
    """GHSA-jq35-7prp-9v3f: a key's own algorithm verified, and only the header's was looked at."""
    wide = TokenVerifier(Secret(RSA_PEM), algorithms=("RS256", "PS256"))
    for said, used in (("RS256", "PS256"), ("PS256", "RS256"), ("RS256", "RS512"), ("PS256", "PS512")):
        assert reason(signed(GOOD, {"alg": said}, forge.RSA, used), wide) is Reason.TOKEN_INVALID
    for algorithm in ("RS256", "PS256"):
        assert reason(signed(GOOD, {"alg": algorithm}, forge.RSA, algorithm), wide) is Reason.OK


def test_cve_2026_48523_a_key_of_a_set_is_good_under_its_own_algorithm_only() -> None:
    numbers = forge.RSA.public_key().public_numbers()
    jwk = {"kty": "RSA", "n": b64(numbers.n.to_bytes(256, "big")), "e": "AQAB", "alg": "PS256", "kid": "k"}
    for configured, expected in ((("RS256",), []), (("PS256",), ["PS256"]), (("RS256", "PS256"), ["PS256"])):
        found = read_key_set(json.dumps({"keys": [jwk]}).encode(), configured)
        assert [key.algorithm for key in found.keys] == expected


NO_KEYS_OF_A_SET = {
    "an empty secret": {"kty": "oct", "k": ""},
    "a secret": OCT,
    "a secret beside a public key": PUBLIC_JWK | {"k": ""},
    "a private key whose public half is another's": PUBLIC_JWK | {"d": b64(b"\1" * 32)},
    "RSA that is no number": {"kty": "RSA", "n": "!!!!", "e": "AQAB"},
    "RSA without a number": {"kty": "RSA", "e": "AQAB"},
    "RSA of zero": {"kty": "RSA", "n": "AA", "e": "AA"},
    "RSA with an even exponent": {"kty": "RSA", "n": b64(b"\xff" * 256), "e": "Ag"},
    "a point that is on no curve": {"kty": "EC", "crv": "P-256", "x": b64(b"\1" * 32), "y": b64(b"\1" * 32)},
    "a curve that is none": PUBLIC_JWK | {"crv": "Ed25520"},
    "kty is a list": PUBLIC_JWK | {"kty": ["OKP"]},
    "no object": "key",
}


@pytest.mark.parametrize("jwk", NO_KEYS_OF_A_SET.values(), ids=NO_KEYS_OF_A_SET)
def test_cve_2026_102266_102274_and_102275_a_key_that_cannot_be_is_left_out_and_hides_no_other(jwk: object) -> None:
    """GHSA-9j54-fg26-wv3r and others: empty secrets, numbers that are none, private halves of other keys."""
    document = json.dumps({"keys": [jwk, PUBLIC_JWK | {"kid": "good"}]}).encode()
    found = read_key_set(document, ("EdDSA", "RS256", "ES256"))
    assert [key.id for key in found.keys] == ["good"]
    assert len(found.notes) == 1


TOKEN = signed()
HEAD, PAYLOAD, SIGNATURE = TOKEN.split(".")
FORMS = {
    "padding": TOKEN + "=",
    "more padding": TOKEN + "====",
    "padding in the header": f"{HEAD}=.{PAYLOAD}.{SIGNATURE}",
    "padding in the payload": f"{HEAD}.{PAYLOAD}=.{SIGNATURE}",
    "junk after the signature": TOKEN + "!",
    "junk inside the signature": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:5]}*{SIGNATURE[5:]}",
    "a line end inside the signature": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:5]}\n{SIGNATURE[5:]}",
    "unused bits of the signature": TOKEN[:-1] + chr(ord(TOKEN[-1]) + 1),
    "a line end": TOKEN + "\n",
    "a NUL": TOKEN + "\0",
    "letters of the older base64": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-2]}+/",
    "a lone surrogate": TOKEN + "\ud800",
    "a lone surrogate inside": f"{HEAD}.\udcff{PAYLOAD}.{SIGNATURE}",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_cve_2026_102269_one_token_has_one_text(text: str) -> None:
    """GHSA-hxm8-2xgr-2p9m: whoever revoked a token by its text was led by by another text of it."""
    assert reason(text) is Reason.TOKEN_INVALID


def raw(payload: str, header: object = HEADER) -> str:
    return signed(payload, header)


ISSUES = {
    "pyjwt#1171, exp is 10**50": raw('{"sub":"ann","exp":1' + "0" * 50 + "}"),
    "pyjwt#1171, exp is 1e309": raw('{"sub":"ann","exp":1e309}'),
    "pyjwt#1171, exp is Infinity": raw('{"sub":"ann","exp":Infinity}'),
    "superset#41394, exp after the year 9999": raw('{"sub":"ann","exp":253402300800}'),
    "pyjwt#1186, exp is a list": raw('{"sub":"ann","exp":[1]}'),
    "pyjwt#1186, exp is null": raw('{"sub":"ann","exp":null}'),
    "pyjwt#1186, exp is an object": raw('{"sub":"ann","exp":{}}'),
    "pyjwt#1186, nbf is a list": raw('{"sub":"ann","exp":1900000000,"nbf":[1]}'),
    "pyjwt#1186, iat is null": raw('{"sub":"ann","exp":1900000000,"iat":null}'),
    "pyjwt#1177, kid is null": raw('{"sub":"ann","exp":1900000000}', HEADER | {"kid": None}),
    "pyjwt#1177, kid is a list": raw('{"sub":"ann","exp":1900000000}', HEADER | {"kid": []}),
    "exp is text": raw('{"sub":"ann","exp":"9999999999"}'),
    "no exp": raw('{"sub":"ann"}'),
    "sub is empty": raw('{"sub":"","exp":1900000000}'),
    "sub twice": raw('{"sub":"bob","sub":"ann","exp":1900000000}'),
    "alg twice": raw('{"sub":"ann","exp":1900000000}', '{"alg":"none","alg":"HS256"}'),
    "half a letter": raw('{"sub":"\\ud800","exp":1900000000}'),
    "no Unicode text": signed(b'{"sub":"\xff","exp":1900000000}'),
}


@pytest.mark.parametrize("text", ISSUES.values(), ids=ISSUES)
async def test_what_other_servers_fell_over_is_an_invalid_token(text: str) -> None:
    assert await HMAC.verify(Credentials(token=Secret(text)), means(User("ann", "ann"))) is Reason.TOKEN_INVALID


ALGORITHMS = {"HS256": SECRET, "RS256": forge.RSA, "ES256": forge.P256, "EdDSA": forge.ED25519}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_cve_2024_37568_and_2026_33322_the_algorithm_is_ours_and_never_the_tokens(algorithm: str) -> None:
    """authlib, MinIO: the header's word chose what a public key was taken for."""
    signer = ALGORITHMS[algorithm]
    key = signer if isinstance(signer, str) else public_pem(signer)
    verifier = TokenVerifier(Secret(key), algorithms=(algorithm,))
    for other in ("HS256", "HS384", "HS512"):
        if other == algorithm:
            continue
        for secret in (key, key.strip(), "".join(key.splitlines()[1:-1]), "", MASTER.reveal()):
            assert reason(signed(GOOD, {"alg": other}, secret, other), verifier) is Reason.TOKEN_INVALID
    for name in ("none", "None", "NONE", "", None, 0, ["none"], {"alg": algorithm}):
        for tail in ("", SIGNATURE):
            assert reason(f"{segment({'alg': name})}.{PAYLOAD}.{tail}", verifier) is Reason.TOKEN_INVALID
