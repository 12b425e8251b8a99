"""The node of the session that a one-time token was shown to open."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "node" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("one_time_tokens")]:
        kind = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
        op.add_column("one_time_tokens", sa.Column("node", kind))


def downgrade() -> None:
    if "node" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("one_time_tokens")]:
        op.drop_column("one_time_tokens", "node")
