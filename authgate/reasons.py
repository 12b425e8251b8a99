"""Why a hook was allowed or rejected: a closed list."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a hook was allowed or rejected. The values are stored, logged and documented."""

    OK = "ok"
    CREDENTIALS_MISSING = "credentials_missing"
    CREDENTIALS_MALFORMED = "credentials_malformed"
    CREDENTIALS_UNRECOGNIZED = "credentials_unrecognized"
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - a reason, not a secret
    TOKEN_TOO_LONG = "token_too_long"  # noqa: S105
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    TOKEN_NOT_YET_VALID = "token_not_yet_valid"  # noqa: S105
    TOKEN_ISSUER = "token_issuer"  # noqa: S105
    TOKEN_AUDIENCE = "token_audience"  # noqa: S105
    TOKEN_TYPE = "token_type"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    TOKEN_USED = "token_used"  # noqa: S105
    TOKEN_ADDRESS = "token_address"  # noqa: S105
    TOKEN_ORIGIN = "token_origin"  # noqa: S105
    TOKEN_APP = "token_app"  # noqa: S105
    TOKEN_STREAM = "token_stream"  # noqa: S105
    KEYS_UNAVAILABLE = "keys_unavailable"
    PASSWORD_WRONG = "password_wrong"  # noqa: S105
    USER_UNKNOWN = "user_unknown"
    USER_DISABLED = "user_disabled"
    USER_EXPIRED = "user_expired"
    USER_NOT_YET_VALID = "user_not_yet_valid"
    GUESSING_LOCKED = "guessing_locked"
    BANNED = "banned"
    SESSIONS_EXCEEDED = "sessions_exceeded"
    TOKEN_SESSIONS_EXCEEDED = "token_sessions_exceeded"  # noqa: S105
    APP_SESSIONS_EXCEEDED = "app_sessions_exceeded"
    PUBLISHERS_EXCEEDED = "publishers_exceeded"
    SESSION_UNKNOWN = "session_unknown"
    SESSION_ANONYMOUS = "session_anonymous"
    SESSION_EXPIRED = "session_expired"
    SESSION_REVOKED = "session_revoked"
    SESSION_ENDED = "session_ended"
    POLICY_DENIED = "policy_denied"
    GRANT_MISSING = "grant_missing"
    GRANT_DENIED = "grant_denied"
    ALIAS_UNKNOWN = "alias_unknown"
    REWRITE_IMPOSSIBLE = "rewrite_impossible"
    SIGNAL_MALFORMED = "signal_malformed"
    SIGNAL_TOO_LARGE = "signal_too_large"
    SIGNAL_TOO_FAST = "signal_too_fast"
    SIGNAL_NOT_ALLOWED = "signal_not_allowed"
    SIGNAL_NOT_IN_ROOM = "signal_not_in_room"
    SIGNAL_ROOMS_EXCEEDED = "signal_rooms_exceeded"
    SIGNAL_TOO_MANY_ADDRESSEES = "signal_too_many_addressees"
    SIGNAL_QUEUE_FULL = "signal_queue_full"
    TARGET_REFUSED = "target_refused"
    TARGET_UNAVAILABLE = "target_unavailable"
    STORE_UNAVAILABLE = "store_unavailable"
    DEADLINE = "deadline"
    OVERLOADED = "overloaded"
    INTERNAL = "internal"
