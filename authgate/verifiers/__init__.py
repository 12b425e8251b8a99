"""Who is the client? Each verifier is one way to prove it."""

from collections.abc import Sequence

from authgate.verifiers.issued import IssuedVerifier
from authgate.verifiers.password import PasswordVerifier
from authgate.verifiers.token import TokenVerifier

AnyVerifier = TokenVerifier | IssuedVerifier | PasswordVerifier  # told apart by ``type``

VERIFIERS: dict[str, type[AnyVerifier]] = {
    "token": TokenVerifier,
    "issued": IssuedVerifier,
    "password": PasswordVerifier,
}


def check(verifiers: Sequence[AnyVerifier]) -> list[str]:
    """What is ambiguous about these verifiers together, each as ``key: fault``.

    A token must belong to one verifier by its issuer, and a login and password to one at all: a verifier
    that is never asked would look like one that refuses everybody.
    """
    faults = []
    tokens = sum(not isinstance(each, PasswordVerifier) for each in verifiers)
    names: set[str] = set()
    issuers: set[str] = set()
    alone: set[str] = set()
    for at, each in enumerate(verifiers):
        if each.name in names:
            faults.append(f"verifiers[{at}].name: another verifier is called {each.name!r} too")
        names.add(each.name)
        if not isinstance(each, TokenVerifier):
            if each.type in alone:
                why = "remove one" if each.type == "password" else "remove one, or give the first all master_keys"
                faults.append(f"verifiers[{at}].type: a second {each.type} verifier would never be asked; {why}")
            alone.add(each.type)
        if not isinstance(each, PasswordVerifier) and tokens > 1:
            if each.issuer is None:
                faults.append(f"verifiers[{at}].issuer: is missing; with several token verifiers each needs its own")
            elif each.issuer in issuers:
                faults.append(f"verifiers[{at}].issuer: another token verifier has {each.issuer!r} too")
            issuers.add(each.issuer or "")
    return faults
