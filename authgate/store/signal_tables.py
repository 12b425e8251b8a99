"""The tables of what clients send each other; see tables.py."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text, UniqueConstraint

from authgate.store.tables import (
    _MARIADB,
    DIGEST_LENGTH,
    LABEL_LENGTH,
    NAME_LENGTH,
    NODE_LENGTH,
    SESSION_LENGTH,
    _key,
    metadata,
)

ROOM_LENGTH = 64
SENDER_LENGTH = 40
MESSAGE_LENGTH = 40

# The sessions that are in rooms. A row counts while its session lives and was opened then.
room_members = Table(
    "room_members",
    metadata,
    Column("app_key", _key(LABEL_LENGTH), primary_key=True),
    Column("room", _key(ROOM_LENGTH), primary_key=True),
    Column("node", _key(NODE_LENGTH), primary_key=True),
    Column("session", _key(SESSION_LENGTH), primary_key=True),
    Column("opened_at", BigInteger, nullable=False),  # of the session; milliseconds since the epoch
    Column("sender", String(SENDER_LENGTH), nullable=False),  # the id under which others know the session
    Column("user_name", String(NAME_LENGTH)),  # null: anonymous
    Column("joined_at", BigInteger, nullable=False),  # milliseconds since the epoch
    UniqueConstraint("node", "session", "app_key", "room", name="room_members_session"),
    **_MARIADB,
)

# Who has sent something lately, and how much: sessions under the ids by which others know them, and users.
signal_senders = Table(
    "signal_senders",
    metadata,
    Column("sender", _key(SENDER_LENGTH), primary_key=True),
    Column("owed_at", BigInteger, nullable=False),  # microseconds since the epoch: when what it has sent is paid for
    Column("node", String(NODE_LENGTH)),  # null: a user
    Column("session", String(SESSION_LENGTH)),
    Column("opened_at", BigInteger),
    Index("signal_senders_owed_at", "owed_at"),
    **_MARIADB,
)

# Messages that wait to be delivered, in the order of their commits; and for a while those that are done with, so that
# a hook that is sent twice is delivered once.
messages = Table(
    "messages",
    metadata,
    Column("id", _key(MESSAGE_LENGTH), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("done_at", BigInteger),  # milliseconds since the epoch; null: it waits
    Column("kind", String(16), nullable=False),  # sent, joined, left or members
    Column("app_key", String(LABEL_LENGTH), nullable=False),  # "": any
    Column("addressee", String(16), nullable=False),  # session, user, app, stream, room or key
    Column("name", String(SESSION_LENGTH), nullable=False),
    Column("node", String(NODE_LENGTH)),  # of the sender; null: the server itself
    Column("session", String(SESSION_LENGTH)),
    Column("sender", String(SENDER_LENGTH)),
    Column("user_name", String(NAME_LENGTH)),
    Column("body", Text, nullable=False),  # JSON
    UniqueConstraint("done_at", "seq", name="messages_waiting"),
    **_MARIADB,
)

# Of each kind of secret that all processes share, one.
shared_secrets = Table(
    "shared_secrets",
    metadata,
    Column("name", _key(LABEL_LENGTH), primary_key=True),
    Column("secret", String(DIGEST_LENGTH), nullable=False),  # hexadecimal
    **_MARIADB,
)
