"""The tables, alike on the three databases: text is compared by its very characters, trailing spaces included."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

NAME_LENGTH = 190
HASH_LENGTH = 512
NOTES_LENGTH = 2_000
NODE_LENGTH = 128
SESSION_LENGTH = 255
LABEL_LENGTH = 190  # names that an operator or a media server gives: applications, rules, verifiers
METHOD_LENGTH = 64
REASON_LENGTH = 64
SUBJECT_LENGTH = 512
TOKEN_ID_LENGTH = 255
ORIGIN_LENGTH = 255
CONFIG_LENGTH = 32
KEY_ID_LENGTH = 64
DIGEST_LENGTH = 64  # hexadecimal digits of SHA-256
URL_LENGTH = 1_024
ADDRESS_LENGTH = 64
ALIAS_TABLE_LENGTH = 64
TEXT_LENGTH = 65_535  # bytes: MariaDB's limit, and so everybody's
FACTS_LENGTH = 16_000

_MARIADB: dict[str, Any] = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}

metadata = MetaData()  # those of signal_tables.py and index_tables.py too


def _key(length: int) -> String:
    """Text that is looked up and sorted: by its code points everywhere, whatever the database was created with."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


users = Table(
    "users",
    metadata,
    Column("name", _key(NAME_LENGTH), primary_key=True),  # canonical
    Column("display", String(NAME_LENGTH), nullable=False),
    Column("hash", String(HASH_LENGTH)),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("updated_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("grants", Text),  # JSON; null: no list
    # Goes up whenever what was issued before is to be refused; it begins with the time at which the user was added.
    Column("generation", BigInteger, nullable=False, server_default="0"),
    Column("cut_off_at", BigInteger),  # milliseconds since the epoch: when it last went up; null: never
    Column("not_before", BigInteger),  # seconds since the epoch: let in from then on; null: always
    Column("expires_at", BigInteger),  # seconds since the epoch: let in until then; null: for ever
    Column("max_sessions", Integer),  # that may be open at a time; null: no limit
    Column("notes", Text),
    Column("source", String(LABEL_LENGTH)),  # that it was adopted from and is vouched for by; null: it is our own
    Column("source_name", String(NAME_LENGTH)),  # what it is called there
    Column("source_version", BigInteger),  # drawn from the password's hash there, when that was last seen
    Index("users_created_at", "created_at", "name"),
    Index("users_updated_at", "updated_at", "name"),
    Index("users_expires_at", "expires_at", "name"),
    **_MARIADB,
)

user_groups = Table(
    "user_groups",
    metadata,
    Column("name", _key(NAME_LENGTH), primary_key=True),  # canonical
    Column("grants", Text),  # JSON; null: no list
    Column("created_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("updated_at", BigInteger, nullable=False),  # milliseconds since the epoch
    **_MARIADB,
)

# Whoever is let in by a token alone can be in groups too, so no foreign key to users.
user_group_members = Table(
    "user_group_members",
    metadata,
    Column("user_name", _key(NAME_LENGTH), primary_key=True),
    Column("group_name", _key(NAME_LENGTH), primary_key=True),
    Index("user_group_members_in_order", "group_name", "user_name"),
    **_MARIADB,
)

aliases = Table(
    "aliases",
    metadata,
    Column("table_name", _key(ALIAS_TABLE_LENGTH), primary_key=True),
    Column("name", _key(NAME_LENGTH), primary_key=True),
    Column("value", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),  # milliseconds since the epoch
    **_MARIADB,
)

# A session that is over stays for some minutes, so that what comes late does not bring it back. No foreign key to
# users, for a token may admit a user who is not there, and a deleted user's sessions must stay to be refused with the
# right reason.
sessions = Table(
    "sessions",
    metadata,
    Column("node", _key(NODE_LENGTH), primary_key=True),
    Column("session", _key(SESSION_LENGTH), primary_key=True),
    Column("app_key", String(LABEL_LENGTH), nullable=False),
    Column("opened_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("user_name", _key(NAME_LENGTH)),
    Column("stored_user", Boolean, nullable=False),
    Column("verifier", String(LABEL_LENGTH), nullable=False),
    Column("grants", Text),  # JSON
    Column("expires_at", BigInteger),  # seconds since the epoch
    Column("token_id", String(TOKEN_ID_LENGTH)),
    Column("origin", String(ORIGIN_LENGTH)),
    Column("config", String(CONFIG_LENGTH)),
    Column("token_groups", Text),  # JSON
    Column("claims", Text),  # JSON
    Column("generation", BigInteger),  # of the user when the session was opened; null: it had no row
    Column("proof", Text),  # JSON: what of its token is looked at again for each hook
    Column("hook", String(CONFIG_LENGTH)),  # digest of the connect that opened it, which is the same when sent again
    # How many times the media server has still to tell that a connection under this key is over, its own included:
    # more than once where the key was used again before that was told of the one before.
    Column("due", Integer, nullable=False, server_default="1"),
    Column("seen_at", BigInteger),  # milliseconds since the epoch, to the minute: its last hook; null: the one above
    Column("over_at", BigInteger),  # milliseconds since the epoch; null: it is live
    Column("over_reason", String(REASON_LENGTH)),
    Column("end_at", BigInteger),  # milliseconds since the epoch: it is to be ended, and refused until that is done
    Column("end_reason", String(REASON_LENGTH)),
    Column("end_tries", Integer, nullable=False, server_default="0"),
    Column("end_next_at", BigInteger),  # milliseconds since the epoch: when to try again; null: it is not to be ended
    Column("end_error", String(SUBJECT_LENGTH)),  # of the last try
    Column("token", _key(DIGEST_LENGTH)),  # digest that tells its token from others; null: it came without one
    Index("sessions_user_name", "user_name"),
    Index("sessions_token", "token"),
    Index("sessions_app_key", "app_key", "opened_at"),
    Index("sessions_expires_at", "expires_at"),
    Index("sessions_over_at", "over_at"),
    Index("sessions_end_next_at", "end_next_at"),
    **_MARIADB,
)

# What goes on in sessions, and streams that belong to none. What is over stays for some minutes, see above.
streams = Table(
    "streams",
    metadata,
    Column("node", _key(NODE_LENGTH), primary_key=True),
    Column("session", _key(SESSION_LENGTH), primary_key=True),
    Column("media", _key(SESSION_LENGTH), primary_key=True),  # mediaSessionId
    Column("app_key", String(LABEL_LENGTH), nullable=False),
    Column("name", _key(SUBJECT_LENGTH), nullable=False),  # as the media server has it, without secrets
    Column("published", Boolean),  # False: played; null: nothing has told yet
    Column("status", String(LABEL_LENGTH), nullable=False),
    Column("since", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("seen_at", BigInteger, nullable=False),  # milliseconds since the epoch: the last hook about it
    Column("kept_at", BigInteger),  # milliseconds since the epoch: the last keep-alive; null: there was none
    Column("over_at", BigInteger),  # milliseconds since the epoch; null: it is live
    Column("over_reason", String(REASON_LENGTH)),
    Column("end_at", BigInteger),  # milliseconds since the epoch: it is to be ended
    Column("end_reason", String(REASON_LENGTH)),
    Column("end_tries", Integer, nullable=False, server_default="0"),
    Column("end_next_at", BigInteger),  # milliseconds since the epoch: when to try again; null: it is not to be ended
    Column("end_error", String(SUBJECT_LENGTH)),  # of the last try
    Index("streams_name", "name"),
    Index("streams_over_at", "over_at"),
    Index("streams_end_next_at", "end_next_at"),
    **_MARIADB,
)

calls = Table(
    "calls",
    metadata,
    Column("node", _key(NODE_LENGTH), primary_key=True),
    Column("session", _key(SESSION_LENGTH), primary_key=True),
    Column("call", _key(SESSION_LENGTH), primary_key=True),  # callId
    Column("app_key", String(LABEL_LENGTH), nullable=False),
    Column("caller", String(SUBJECT_LENGTH), nullable=False),
    Column("callee", String(SUBJECT_LENGTH), nullable=False),
    Column("incoming", Boolean),  # null: nothing has told yet
    Column("status", String(LABEL_LENGTH), nullable=False),
    Column("since", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("seen_at", BigInteger, nullable=False),  # milliseconds since the epoch: the last hook about it
    Column("over_at", BigInteger),  # milliseconds since the epoch; null: it is live
    Column("over_reason", String(REASON_LENGTH)),
    Index("calls_over_at", "over_at"),
    **_MARIADB,
)

# Rows to be locked by whoever adds to what is limited, see limit_slots.py.
limit_slots = Table(
    "limit_slots",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    **_MARIADB,
)

# What one process alone does, of all that share the store.
duties = Table(
    "duties",
    metadata,
    Column("name", _key(LABEL_LENGTH), primary_key=True),
    Column("holder", String(KEY_ID_LENGTH), nullable=False),
    Column("until", BigInteger, nullable=False),  # milliseconds since the epoch
    **_MARIADB,
)

# One row for each kind of thing that workers keep in memory: its number goes up with each change.
versions = Table(
    "versions",
    metadata,
    Column("name", _key(LABEL_LENGTH), primary_key=True),
    Column("number", BigInteger, nullable=False),
    **_MARIADB,
)

# What is not valid any more, though it was signed.
revocations = Table(
    "revocations",
    metadata,
    Column("kind", _key(16), primary_key=True),  # jti, user, issuer or key
    Column("value", _key(TOKEN_ID_LENGTH), primary_key=True),
    Column("before", BigInteger),  # milliseconds since the epoch: what was issued until then; null: whenever
    Column("made_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("expires_at", BigInteger),  # seconds since the epoch: from then on nothing is left to refuse; null: never
    Column("serial", BigInteger, nullable=False),  # ascends with the changes
    Index("revocations_expires_at", "expires_at"),
    Index("revocations_serial", "serial"),
    **_MARIADB,
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("token", _key(DIGEST_LENGTH), primary_key=True),  # digest of its verifier, issuer and jti
    Column("holder", _key(DIGEST_LENGTH), nullable=False),  # digest of what it is reserved for
    Column("reserved_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("began_at", BigInteger),  # milliseconds since the epoch; null: what it is reserved for has not begun yet
    Column("expires_at", BigInteger, nullable=False),  # seconds since the epoch
    Column(
        "node", _key(NODE_LENGTH)
    ),  # of the session that it was shown to open; null: it was shown for something else
    Column("session", _key(SESSION_LENGTH)),
    Index("one_time_tokens_holder", "holder"),
    Index("one_time_tokens_expires_at", "expires_at"),
    **_MARIADB,
)

stream_keys = Table(
    "stream_keys",
    metadata,
    Column("prefix", _key(16), primary_key=True),
    Column("digest", String(DIGEST_LENGTH), nullable=False),  # SHA-256 of the whole key
    Column("user_name", _key(NAME_LENGTH), nullable=False),
    Column("generation", BigInteger),  # of the user when the key was made; null: it had no row
    Column("app_key", String(LABEL_LENGTH), nullable=False),  # "": any
    Column("action", String(16), nullable=False),
    Column("pattern", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("expires_at", BigInteger),  # seconds since the epoch; null: never
    Column("once", Boolean, nullable=False),
    Index("stream_keys_user_name", "user_name"),
    **_MARIADB,
)

# Our own keys. What is secret of one is sealed, and bound to all that is said of it here.
signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", _key(KEY_ID_LENGTH), primary_key=True),  # kid
    Column("algorithm", String(16), nullable=False),
    Column("public", Text),  # JSON Web Key; null: a secret has no public part
    Column("sealed", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("signs_from", BigInteger),  # milliseconds since the epoch; null: it does not sign yet
    Column("retired_at", BigInteger),  # milliseconds since the epoch; null: it signs, or is going to
    Column("verifies_until", BigInteger),  # seconds since the epoch; null: it has not been retired
    **_MARIADB,
)

# Other issuers' keys as they were last fetched, so that a restart does not depend on the issuer.
key_sets = Table(
    "key_sets",
    metadata,
    Column("id", _key(DIGEST_LENGTH), primary_key=True),  # digest of issuer and address
    Column("issuer", String(URL_LENGTH), nullable=False),
    Column("url", String(URL_LENGTH), nullable=False),  # where the set was fetched, or where it is discovered
    Column("document", Text),  # JSON; null: never fetched
    Column("fetched_at", BigInteger),  # milliseconds since the epoch
    Column("tried_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("fault", String(SUBJECT_LENGTH), nullable=False),  # of the last try, "" where it succeeded
    **_MARIADB,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("prefix", _key(16), primary_key=True),
    Column("digest", String(DIGEST_LENGTH), nullable=False),  # SHA-256 of the whole key
    Column("name", _key(LABEL_LENGTH), nullable=False),
    Column("scope", Text, nullable=False),  # JSON: what it may issue
    Column("created_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("expires_at", BigInteger),  # seconds since the epoch; null: never
    Column("last_used_at", BigInteger),  # milliseconds since the epoch, to the minute
    **_MARIADB,
)

# Wrong passwords: when, within a window, as text.
guesses = Table(
    "guesses",
    metadata,
    Column("id", _key(DIGEST_LENGTH), primary_key=True),
    Column("entries", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),  # milliseconds since the epoch: from then on it means nothing
    Index("guesses_expires_at", "expires_at"),
    **_MARIADB,
)

# Whom somebody has banned (kind ban), who is locked after wrong passwords (lock), and whose counts begin anew (clear).
# Of user and address one may be "": then it is about the other alone.
blocks = Table(
    "blocks",
    metadata,
    Column("kind", _key(8), primary_key=True),
    Column("user_name", _key(NAME_LENGTH), primary_key=True),
    Column("address", _key(ADDRESS_LENGTH), primary_key=True),  # or network
    Column("made_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("expires_at", BigInteger),  # milliseconds since the epoch; null: never
    Column("strikes", BigInteger, nullable=False),  # of a lock: how many there were in a row
    Column("note", String(LABEL_LENGTH), nullable=False),
    Column("serial", BigInteger, nullable=False),  # ascends with the changes
    Index("blocks_expires_at", "expires_at"),
    Index("blocks_serial", "serial"),
    **_MARIADB,
)

# The addresses from which users have logged in with their passwords.
known_addresses = Table(
    "known_addresses",
    metadata,
    Column("user_name", _key(NAME_LENGTH), primary_key=True),
    Column("address", _key(ADDRESS_LENGTH), primary_key=True),  # or network
    Column("seen_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Index("known_addresses_seen_at", "seen_at"),
    **_MARIADB,
)

# How far each webhook of the configuration has come; those that it names no more stay, for they may come back.
webhooks = Table(
    "webhooks",
    metadata,
    Column("name", _key(LABEL_LENGTH), primary_key=True),
    Column("seq", BigInteger, nullable=False),  # of the record up to which all was delivered
    Column("delivered_at", BigInteger),  # milliseconds since the epoch: when anything last was
    Column("tried_at", BigInteger),  # milliseconds since the epoch: when that last failed
    Column("failures", BigInteger, nullable=False),  # in a row
    Column("next_at", BigInteger),  # milliseconds since the epoch: when it is tried again; null: it goes on
    Column("error", String(SUBJECT_LENGTH), nullable=False),  # of the last attempt that failed
    Column("disabled_at", BigInteger),  # milliseconds since the epoch; null: it is not
    **_MARIADB,
)

# No index beside the number and the id, which both ascend: one in random order would cost each commit more pages than
# the records themselves.
records = Table(
    "records",
    metadata,
    Column("id", _key(26), nullable=False),
    Column("at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("node", String(NODE_LENGTH), nullable=False),
    Column("session", String(SESSION_LENGTH), nullable=False),
    Column("app_key", String(LABEL_LENGTH), nullable=False),
    Column("method", String(METHOD_LENGTH), nullable=False),
    Column("user_name", String(NAME_LENGTH)),
    Column("allowed", Boolean, nullable=False),
    Column("reason", String(REASON_LENGTH), nullable=False),
    Column("rule", String(LABEL_LENGTH), nullable=False),
    Column("status", String(LABEL_LENGTH), nullable=False),
    Column("subject", String(SUBJECT_LENGTH), nullable=False),
    Column("facts", Text),  # JSON
    # Ascends as records are written, and is never given twice; what is written at the same time by several processes
    # may be committed in another order, see tail.py. Numbers may be missing.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Index("records_id", "id", unique=True),
    sqlite_autoincrement=True,
    **_MARIADB,
)


def clipped(text: str, length: int) -> str:
    """The text as every database can hold it: NUL and lone surrogates become U+FFFD, what is too long is cut."""
    if len(text) > length:
        text = text[:length]
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


def storable(text: str, length: int) -> bool:
    """Whether a column of this length can hold exactly this text; what it cannot hold is not in there."""
    return clipped(text, length) == text
