"""What tells the token of a session from others, so that its sessions can be counted."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0063"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "token" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        kind = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
        op.add_column("sessions", sa.Column("token", kind))


def downgrade() -> None:
    if "token" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")]:
        op.drop_column("sessions", "token")
