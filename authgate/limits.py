"""How many sessions and publishers there may be at a time: section ``[limits]`` -> what a hook is held to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Le

from authgate.model import Limit, Method, Per, Principal, Reason, Session

Exceeded = Literal["reject-new", "end-oldest"]

# Why one more is rejected, or an older one ended.
EXCEEDED: Mapping[Per, Reason] = {
    Per.USER: Reason.SESSIONS_EXCEEDED,
    Per.TOKEN: Reason.TOKEN_SESSIONS_EXCEEDED,
    Per.APP: Reason.APP_SESSIONS_EXCEEDED,
    Per.NAME: Reason.PUBLISHERS_EXCEEDED,
}
Most = Annotated[int, Ge(1), Le(1_000_000_000)]


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """Section ``[limits]``: what there may be at a time. Without a number there is no limit."""

    sessions_per_user: Most | None = None  # of a user for whom the store has no number of its own
    sessions_per_user_exceeded: Exceeded = "reject-new"  # also where the number is the store's
    sessions_per_token: Most | None = None
    sessions_per_token_exceeded: Exceeded = "reject-new"  # noqa: S105 - no secret
    sessions_per_app: Most | None = None  # of each application, counted by itself
    sessions_per_app_exceeded: Exceeded = "reject-new"
    publishers_per_name: Most | None = None  # of a stream's name within one application
    publishers_per_name_exceeded: Exceeded = "reject-new"


@dataclass(frozen=True, slots=True)
class AppLimits:
    """Section ``[apps.NAME.limits]``: limits of one application.

    Those per user and per token count its own sessions, and hold beside those of ``[limits]``; the other two stand in
    their place.
    """

    sessions_per_user: Most | None = None
    sessions_per_user_exceeded: Exceeded | None = None  # None: as in [limits]; so below
    sessions_per_token: Most | None = None
    sessions_per_token_exceeded: Exceeded | None = None
    sessions_per_app: Most | None = None
    sessions_per_app_exceeded: Exceeded | None = None
    publishers_per_name: Most | None = None
    publishers_per_name_exceeded: Exceeded | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a configuration."""

    options: LimitOptions = field(default_factory=LimitOptions)
    apps: Mapping[str, AppLimits] = field(default_factory=dict)

    def of_session(self, session: Session) -> tuple[Limit, ...]:
        """What is looked at when this session is opened; nothing where nothing limits it."""
        options, app, app_key = self.options, self.apps.get(session.app_key, _NONE), session.app_key
        found: list[Limit] = []
        client = session.client
        if client is not None and not is_nobody_in_particular(client):
            per, ends = Per.USER, options.sessions_per_user_exceeded == _END
            if options.sessions_per_user is not None or client.max_sessions is not None:
                found.append(Limit(per, client.user, None, options.sessions_per_user, ends, client.max_sessions))
            if app.sessions_per_user is not None:
                found.append(Limit(per, client.user, app_key, app.sessions_per_user, self._ends(app, per)))
        if client is not None and client.token:
            per, ends = Per.TOKEN, options.sessions_per_token_exceeded == _END
            if options.sessions_per_token is not None:
                found.append(Limit(per, client.token, None, options.sessions_per_token, ends))
            if app.sessions_per_token is not None:
                found.append(Limit(per, client.token, app_key, app.sessions_per_token, self._ends(app, per)))
        most = app.sessions_per_app or options.sessions_per_app
        if most is not None:
            found.append(Limit(Per.APP, app_key, app_key, most, self._ends(app, Per.APP)))
        return tuple(found)

    def of_publisher(self, app_key: str, name: str) -> tuple[Limit, ...]:
        """What is looked at when a stream of this name is published; nothing where nothing limits it."""
        app = self.apps.get(app_key, _NONE)
        most = app.publishers_per_name or self.options.publishers_per_name
        if most is None or not name:
            return ()
        return (Limit(Per.NAME, name, app_key, most, self._ends(app, Per.NAME)),)

    def reject(self, app_key: str, method: Method) -> bool:
        """Whether one of them can reject hooks of a method, where ``connect`` always may be."""
        return method.name == PUBLISH and bool(self.of_publisher(app_key, "any"))

    def general(self, per: Per) -> Limit:
        """What holds of each user, token, application or name for which nothing else is said; its value is ""."""
        most: int | None = getattr(self.options, _OPTIONS[per])
        return Limit(per, "", None, most, self._ends(_NONE, per))

    def of_apps(self, per: Per) -> Iterator[Limit]:
        """What single applications say of each user, token or name, and of themselves; its value is ""."""
        for app_key, app in sorted(self.apps.items()):
            most: int | None = getattr(app, _OPTIONS[per])
            if most is not None:
                yield Limit(per, "", app_key, most, self._ends(app, per))

    def _ends(self, app: AppLimits, per: Per) -> bool:
        name = f"{_OPTIONS[per]}_exceeded"
        exceeded: Exceeded = getattr(app, name) or getattr(self.options, name)
        return exceeded == _END


def is_nobody_in_particular(client: Principal) -> bool:
    """Whether it is one of all those whom a target has vouched for without saying who they are."""
    return client.user == f"anonymous@{client.verifier}"


PUBLISH = "publishStream"
NO_LIMITS = Limits()
_NONE = AppLimits()
_END = "end-oldest"
_OPTIONS: Mapping[Per, str] = {
    Per.USER: "sessions_per_user",
    Per.TOKEN: "sessions_per_token",
    Per.APP: "sessions_per_app",
    Per.NAME: "publishers_per_name",
}
