"""Tokens: issue them, and say what one comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authgate.errors import Refused
from authgate.model import Credentials, Reason, Secret
from authgate.names import canonical
from authgate.ports import Means

if TYPE_CHECKING:  # what these are made of takes long to import, and help must be fast
    from authgate.passwords import Hasher
    from authgate.store import Store
    from authgate.verifiers import AnyVerifier
    from authgate.verifiers.token import TokenVerifier


async def issue_token(
    store: "Store", verifiers: Sequence["AnyVerifier"], name: str, ttl: int, now: float, verifier: str | None = None
) -> str:
    """A token for a user, as a verifier accepts it for ``ttl`` seconds; ``now`` in seconds since the epoch.

    Raises:
        BadName: it cannot be a user's name.
        Refused: the verifier cannot sign, or would not let this user in.
        StoreError: the store is away or too slow.
    """
    from authgate.verifiers.issue import issue

    chosen = _token_verifier(verifiers, verifier)
    found = await store.users.find(canonical(name))
    if found is None and chosen.users == "required":
        raise Refused(
            f"there is no user {canonical(name)!r}, and verifier {chosen.name!r} lets in users of the store only"
        )
    if found is not None and not found.enabled:
        raise Refused(f"user {found.name!r} is disabled; run: authgate user enable {found.name}")
    return issue(chosen, name, ttl, now)


@dataclass(frozen=True, slots=True)
class TokenReport:
    """What a token comes to, now."""

    reason: Reason
    verifier: "TokenVerifier | None" = None  # the one that recognised it
    token_id: str | None = None
    subject: str | None = None
    expires_at: int | None = None  # seconds since the epoch
    grants: tuple[str, ...] | None = None

    @property
    def valid(self) -> bool:
        return self.reason is Reason.OK


async def check_token(
    store: "Store", hasher: "Hasher", verifiers: Sequence["AnyVerifier"], token: str, now: float
) -> TokenReport:
    """What a client would come to that offers this token; ``now`` in seconds since the epoch.

    Raises:
        StoreError: the store is away or too slow.
    """
    means = Means(store.users, hasher, now)
    for verifier in verifiers:
        answer = await verifier.verify(Credentials(token=Secret(token)), means)
        if answer is None or verifier.type != "token":
            continue
        reason = answer if isinstance(answer, Reason) else Reason.OK
        reading = verifier.read(token, now)
        said = reading.claims if reading else None
        if said is None:
            return TokenReport(reason, verifier)
        return TokenReport(reason, verifier, said.token_id, said.user, said.expires_at, said.grants)
    return TokenReport(Reason.CREDENTIALS_UNRECOGNIZED)


def _token_verifier(verifiers: Sequence["AnyVerifier"], name: str | None) -> "TokenVerifier":
    able = [each for each in verifiers if each.type == "token" and name in (None, each.name)]
    if len(able) == 1:
        return able[0]
    names = ", ".join(each.name for each in verifiers if each.type == "token")
    if not names:
        raise Refused('no verifier of the configuration takes tokens; add [[verifiers]] with type = "token"')
    if name is None:
        raise Refused(f"several verifiers take tokens; say for which one this is: --verifier, one of {names}")
    raise Refused(f"there is no verifier {name!r} that takes tokens; there are: {names}")
