"""The tables beside the trail: its index, see record_index.py, and how far it was sent on."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from authgate.store.tables import _MARIADB, LABEL_LENGTH, SUBJECT_LENGTH, _key, metadata

# What is in each run of records that are looked for as one, once nothing more can come into it.
record_segments = Table(
    "record_segments",
    metadata,
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("records", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),  # that they take, about
    Column("min_at", BigInteger, nullable=False),  # milliseconds since the epoch
    Column("max_at", BigInteger, nullable=False),  # milliseconds since the epoch
    **_MARIADB,
)

# Where in a segment something is named: a user, a session, a stream. Filled once for each, in the order of the key.
record_terms = Table(
    "record_terms",
    metadata,
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("term", BigInteger, primary_key=True, autoincrement=False),  # digest of the column and its value
    Column("blocks", BigInteger, nullable=False),  # a bit for each block of the segment
    sqlite_with_rowid=False,
    **_MARIADB,
)

# How far the trail was sent on to each stream of another system; those that the configuration names no more stay.
record_streams = Table(
    "record_streams",
    metadata,
    Column("name", _key(LABEL_LENGTH), primary_key=True),  # the key of the stream
    Column("seq", BigInteger, nullable=False),  # of the record up to which all was sent
    Column("sent_at", BigInteger),  # milliseconds since the epoch: when anything last was
    Column("error", String(SUBJECT_LENGTH), nullable=False),  # that keeps anything from being sent now
    Column("failing_at", BigInteger),  # milliseconds since the epoch: since when; null: nothing does
    Column("strange_seq", BigInteger),  # at which the stream was found and that is none of ours; null: it was not
    **_MARIADB,
)
