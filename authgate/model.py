"""The values that travel, in the order in which they appear. They do nothing but say what follows from them."""

from collections.abc import Mapping
from dataclasses import field
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, Literal, TypedDict

from authgate.activity import Call as Call
from authgate.activity import CallKey as CallKey
from authgate.activity import CallNews as CallNews
from authgate.activity import Ending as Ending
from authgate.activity import MediaKey as MediaKey
from authgate.activity import Over as Over
from authgate.activity import SessionKey as SessionKey
from authgate.activity import Stream as Stream
from authgate.activity import StreamNews as StreamNews
from authgate.origin import Origin as Origin
from authgate.places import Limit as Limit
from authgate.places import Per as Per
from authgate.reasons import Reason as Reason
from authgate.secret import Secret as Secret
from authgate.value import value

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    return _NOTHING


class Kind(StrEnum):
    """What a hook method lets us do."""

    CONNECT = "connect"  # a client opens a session
    CALL = "call"  # a client asks for something: the vendor's "direct invocation"
    INCOMING = "incoming"  # something arrives from the SIP side
    EVENT = "event"  # it has happened


@value(frozen=True, slots=True)
class Method:
    """One hook method of the media server."""

    name: str
    kind: Kind
    refusable: bool  # whether the media server breaks off the operation when we refuse
    known: bool = True  # whether it stands in the table, hooks/methods.py
    sessionless: bool = False  # no connect comes before it, so nothing but a 403 is sure to refuse it


@value(frozen=True, slots=True)
class Delivery:
    """One HTTP request as it was received, before anything in it is believed."""

    method: str
    body: bytes = field(repr=False)
    authorizations: tuple[str, ...] = field(default=(), repr=False)  # each Authorization line
    forwarded: tuple[str, ...] = ()  # each X-Forwarded-For line, in order
    peer: str | None = None  # address of the other end of the connection


@value(frozen=True, slots=True)
class Hook:
    """One call from the media server, read strictly."""

    method: Method
    app_key: str
    key: SessionKey
    fields: Mapping[str, Any] = field(repr=False)
    body: bytes = field(repr=False)  # the very bytes received

    def text(self, name: str) -> str:
        """A field as text, or "" where it is absent, null or of another type."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""


@value(frozen=True, slots=True)
class Credentials:
    """What the client offers, unchecked. All fields at rest: nothing was offered."""

    token: Secret | None = None
    login: str | None = None
    password: Secret | None = None
    malformed: bool = False  # something was offered that cannot be credentials

    @property
    def offered(self) -> bool:
        return self.malformed or self.token is not None or self.login is not None or self.password is not None


@value(frozen=True, slots=True)
class User:
    """A row of the user store, or of a source beside it."""

    name: str  # canonical, see authgate.names
    display: str  # as it was given
    enabled: bool = True
    hash: str | None = field(default=None, repr=False)  # None: no password login
    created_at: int = 0  # milliseconds since the epoch
    updated_at: int = 0  # milliseconds since the epoch
    grants: tuple[str, ...] | None = None  # of its own; None: no list
    generation: int = 0  # another whenever what was issued before is to be refused; below 0: a source's, see Origin
    cut_off_at: int | None = None  # milliseconds since the epoch: when it last did; None: never
    not_before: int | None = None  # seconds since the epoch: let in from then on; None: always
    expires_at: int | None = None  # seconds since the epoch: let in until then; None: for ever
    max_sessions: int | None = None  # that may be open at a time; None: as [limits] has it
    notes: str = ""  # for people
    groups: frozenset[str] = frozenset()  # that its source puts it in; those of the store are asked for apart
    origin: Origin | None = None  # None: of the store alone

    @property
    def adopted(self) -> tuple[str, str] | None:
        """The source that it was adopted from, and its name there; None: it is of the store alone."""
        return None if self.origin is None else (self.origin.source, self.origin.known_as)

    def refusal(self, now: float) -> "Reason | None":
        """Why this user is not let in at a time in seconds since the epoch; None: it is."""
        return _refusal(self.enabled, self.not_before, self.expires_at, now)


class UserChanges(TypedDict, total=False):
    """What is to become otherwise of a user: what is not named stays. The fields mean what they mean of ``User``."""

    display: str
    enabled: bool
    hash: str | None
    grants: tuple[str, ...] | None
    not_before: int | None
    expires_at: int | None
    max_sessions: int | None
    notes: str


@value(frozen=True, slots=True)
class UserQuery:
    """Which users are asked for, and in what order."""

    enabled: bool | None = None  # None: either
    group: str | None = None  # canonical; those who are in it
    expired: bool = False  # those only whose time is over
    without_password: bool = False  # those only
    name: str | None = None  # a pattern, see authgate.names
    by: Literal["name", "created", "updated", "expires"] = "name"  # who never expires comes last
    reverse: bool = False


@value(frozen=True, slots=True)
class Group:
    """Users who may do the same."""

    name: str  # canonical, see authgate.names
    grants: tuple[str, ...] | None = None  # None: no list
    members: int = 0
    created_at: int = 0  # milliseconds since the epoch
    updated_at: int = 0  # milliseconds since the epoch


@value(frozen=True, slots=True)
class Alias:
    """One row of an alias table: what a rewrite puts in place of a name."""

    table: str
    name: str
    value: str = field(repr=False)  # an address may hold a password
    created_at: int = 0  # milliseconds since the epoch


@value(frozen=True, slots=True)
class Principal:
    """A client whose credentials were verified."""

    user: str  # canonical name
    verifier: str = ""  # name of the verifier that proved it
    grants: tuple[str, ...] | None = None  # from the token; None: it says nothing
    expires_at: int | None = None  # seconds since the epoch, of the token
    token_id: str | None = None  # jti
    stored_user: bool = False  # whether the store or a source holds the user; else a token alone vouches for it
    groups: frozenset[str] = frozenset()  # from the token
    claims: Mapping[str, str] = field(default_factory=_nothing)  # of the token, those that rules may use
    generation: int | None = None  # of its user in the store, when it was verified; None: the store has none
    issued: "Issued | None" = None  # of its token; None: it came with a password
    bound: Mapping[str, tuple[str, ...]] = field(default_factory=_nothing)  # to what its token is bound, see bindings
    max_sessions: int | None = None  # of its user in the store, when it was verified; a session is not asked for it
    token: str = field(default="", compare=False)  # digest that tells its token from others; "": it came without one


@value(frozen=True, slots=True)
class Issued:
    """What a token is known by, when it is to be revoked."""

    user: str  # canonical name
    token_id: str | None = None  # jti
    issuer: str | None = None  # iss
    key_id: str | None = None  # kid of the key that signed it
    issued_at: float | None = None  # seconds since the epoch; None: it does not say
    once: bool = False  # whether it is good for one session or one stream


@value(frozen=True, slots=True)
class Where:
    """What tokens may be bound to: what a hook is about and where it comes from, as far as that is known."""

    app_key: str = ""
    address: str = ""  # of the client
    origin: str | None = ""  # of its page; None: nobody has looked yet
    action: str = ""  # of grants; "" where a hook does nothing that could be granted
    name: str = ""  # of the stream, the callee and the like
    holder: str = ""  # what a one-time token is reserved for
    lasting: bool = False  # whether the holder may ask again for as long as it goes on
    opens: SessionKey | None = None  # the session that begins where this is allowed; None: it is no connect


NOWHERE = Where()


@value(frozen=True, slots=True)
class Authority:
    """What the store says a user may do."""

    groups: frozenset[str] = frozenset()  # names of the groups that the user belongs to
    grants: tuple[str, ...] | None = None  # the user's own and those of the groups; None: there is no list anywhere


NO_AUTHORITY = Authority()


class Asks(IntEnum):
    """What has to be found out before a rule can be asked; each includes those before it."""

    NOTHING = 0
    CLIENT = 1
    AUTHORITY = 2


@value(frozen=True, slots=True)
class Case:
    """A hook to be judged, and what is known of who sent it."""

    hook: Hook
    now: float  # seconds since the epoch
    client: Principal | Reason = Reason.CREDENTIALS_MISSING  # who it is, or why that is not known
    own: Principal | Reason = Reason.CREDENTIALS_MISSING  # the same by credentials in the hook itself, not its session
    origin: str = ""  # of the page, as the media server told it at connect
    authority: Authority = NO_AUTHORITY  # of a principal's user
    asked: Asks = Asks.NOTHING  # how much of this was found out; the rest is at rest


@value(frozen=True, slots=True)
class Ask:
    """What a policy says where another back end is to judge."""

    target: str  # of section [targets]
    overwrite: tuple[str, ...] = ()  # fields that its answer may change


@value(frozen=True, slots=True)
class Decision:
    """The answer to one hook, with the reason and the rule that gave it."""

    reason: Reason
    rule: str = ""  # "" where it fell before any rule was asked
    text: str = ""  # for a rejected client to read; "": the same words as always
    changes: Mapping[str, Any] = field(default_factory=_nothing)  # fields that the media server is to take over

    @property
    def allowed(self) -> bool:
        return self.reason is Reason.OK


@value(frozen=True, slots=True)
class Session:
    """A client's connection that was let in."""

    key: SessionKey
    app_key: str
    opened_at: int  # milliseconds since the epoch
    client: Principal | None = None  # None: anonymous
    user_enabled: bool = True  # as the store has it now; False once the user is disabled or deleted
    origin: str = ""  # of the page, as the media server told it
    config: str = ""  # digest of the restClientConfig that it was opened with
    user_generation: int | None = field(
        default=None, compare=False
    )  # of its user as the store has it now; None: no row
    user_not_before: int | None = None  # seconds since the epoch, of its user as the store has it now
    user_expires_at: int | None = None  # seconds since the epoch, of its user as the store has it now
    user_source: str | None = None  # from which the store has adopted its user; None: from none
    hook: str = field(default="", compare=False)  # digest of the connect that opened it
    due: int = field(default=1, compare=False)  # times that we are still to be told that it is over, see store.tables
    seen_at: int | None = field(default=None, compare=False)  # milliseconds since the epoch: its last hook, roughly
    ending: Ending | None = None  # it is to be ended, and refused until then

    def refusal(self, now: float) -> Reason | None:
        """Why its user is not let in any more, or not yet, at a time in seconds since the epoch; None: it is."""
        return _refusal(self.user_enabled, self.user_not_before, self.user_expires_at, now)


@value(frozen=True, slots=True)
class Open:
    """A change of the session table: this session is live, in place of any under the same key."""

    session: Session


@value(frozen=True, slots=True)
class Close:
    """A change of the session table: the session under this key is over, if it was opened by then."""

    key: SessionKey
    at: int  # milliseconds since the epoch
    why: Over = Over.TOLD


@value(frozen=True, slots=True)
class Begin:
    """A change of the one-time tokens: those that are reserved for this are used up."""

    holder: str
    at: int  # milliseconds since the epoch


@value(frozen=True, slots=True)
class Record:
    """One line of the audit trail: one hook and the verdict on it."""

    id: str  # 26 characters, ascending with time
    at: int  # milliseconds since the epoch
    key: SessionKey
    app_key: str
    method: str
    user: str | None  # canonical; of a rejected client: who it said to be
    allowed: bool
    reason: Reason
    rule: str
    status: str = ""  # of the stream, call or connection, as the hook gave it
    subject: str = ""  # what it was about: stream name, callee or call
    facts: str = ""  # JSON: what it was judged by, without secrets; "" where no rule could have said otherwise


@value(frozen=True, slots=True)
class SignalLimits:
    """What the data that clients send is held to where it is written down."""

    per_session: float = 10.0  # messages a second
    per_session_burst: int = 20
    per_user: float = 20.0  # messages a second
    per_user_burst: int = 40
    addressees: int = 1000  # sessions that one message may reach
    rooms: int = 8  # that one session may be in
    queue: int = 1000  # messages that may wait to be delivered


@value(frozen=True, slots=True)
class Signal:
    """Data that a client sent, read and allowed: what it asks for is done with the record of its hook."""

    verb: Literal["nothing", "send", "join", "leave", "who"]
    app_key: str
    sender: SessionKey
    opened_at: int  # of the sender's session; milliseconds since the epoch
    user: str | None  # canonical; None: anonymous
    at: int  # milliseconds since the epoch
    operation: str = ""  # operationId, by which the media server tells one from another; "": it gave none
    to: str = ""  # session, user, app, stream or room
    name: str = ""  # of the addressee
    body: str = field(default="", repr=False)  # JSON
    limits: SignalLimits = SignalLimits()


@value(frozen=True, slots=True)
class Entry:
    """What one hook leaves in the store: its record and the changes that it makes, in one commit."""

    record: Record
    change: Open | Close | Begin | None = None
    news: StreamNews | CallNews | None = None
    signal: Signal | None = None
    limits: tuple[Limit, ...] = ()  # that it is held to


@value(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes


def _refusal(enabled: bool, not_before: int | None, expires_at: int | None, now: float) -> Reason | None:
    if not enabled:
        return Reason.USER_DISABLED
    if expires_at is not None and now >= expires_at:
        return Reason.USER_EXPIRED
    if not_before is not None and now < not_before:
        return Reason.USER_NOT_YET_VALID
    return None
