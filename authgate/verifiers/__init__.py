"""Who is the client? Each verifier is one way to prove it."""

from collections.abc import Sequence

from authgate.verifiers.password import PasswordVerifier
from authgate.verifiers.token import TokenVerifier

AnyVerifier = TokenVerifier | PasswordVerifier  # told apart by ``type``

VERIFIERS: dict[str, type[AnyVerifier]] = {"token": TokenVerifier, "password": PasswordVerifier}


def check(verifiers: Sequence[AnyVerifier]) -> list[str]:
    """What is ambiguous about these verifiers together, each as ``key: fault``.

    A token must belong to one verifier by its issuer, and a login and password to one at all: a verifier
    that is never asked would look like one that refuses everybody.
    """
    faults = []
    tokens = sum(isinstance(each, TokenVerifier) for each in verifiers)
    names: set[str] = set()
    issuers: set[str] = set()
    passwords = False
    for at, each in enumerate(verifiers):
        if each.name in names:
            faults.append(f"verifiers[{at}].name: another verifier is called {each.name!r} too")
        names.add(each.name)
        if isinstance(each, PasswordVerifier):
            if passwords:
                faults.append(f"verifiers[{at}].type: a second password verifier would never be asked; remove one")
            passwords = True
        elif tokens > 1:
            if each.issuer is None:
                faults.append(f"verifiers[{at}].issuer: is missing; with several token verifiers each needs its own")
            elif each.issuer in issuers:
                faults.append(f"verifiers[{at}].issuer: another token verifier has {each.issuer!r} too")
            issuers.add(each.issuer or "")
    return faults
