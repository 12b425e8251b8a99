"""The tables, alike on the three databases: text is compared by its very characters, trailing spaces included."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, String, Table, Text

NAME_LENGTH = 190
HASH_LENGTH = 512
NODE_LENGTH = 128
SESSION_LENGTH = 255
LABEL_LENGTH = 190  # names that an operator or a media server gives: applications, rules, verifiers
METHOD_LENGTH = 64
REASON_LENGTH = 64
SUBJECT_LENGTH = 512
TOKEN_ID_LENGTH = 255
ORIGIN_LENGTH = 255
CONFIG_LENGTH = 32
ALIAS_TABLE_LENGTH = 64
TEXT_LENGTH = 65_535  # bytes: MariaDB's limit, and so everybody's
FACTS_LENGTH = 16_000

_MARIADB: dict[str, Any] = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}

metadata = MetaData()


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
    Index("user_group_members_group_name", "group_name"),
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

# Live sessions only: the row goes when the session ends. No foreign key to users, for a token may admit a user
# who is not there, and a deleted user's sessions must stay to be refused with the right reason.
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
    Index("sessions_user_name", "user_name"),
    **_MARIADB,
)

# No index beside the id, which ascends with time: a second one, in random order, would cost each commit more pages
# than the records themselves. Listings walk back in time, see records.py.
records = Table(
    "records",
    metadata,
    Column("id", _key(26), primary_key=True),
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
