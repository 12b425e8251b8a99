"""The session that a one-time token was shown to open, so that it is found by its key."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "session" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("one_time_tokens")]:
        kind = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
        op.add_column("one_time_tokens", sa.Column("session", kind))


def downgrade() -> None:
    if "session" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("one_time_tokens")]:
        op.drop_column("one_time_tokens", "session")
