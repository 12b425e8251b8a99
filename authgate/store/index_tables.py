"""The tables of the index of the trail, see record_index.py."""

from sqlalchemy import BigInteger, Column, Integer, Table

from authgate.store.tables import _MARIADB, metadata

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
