"""Until when a user is let in."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "expires_at" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")]:
        op.add_column("users", sa.Column("expires_at", sa.BigInteger))


def downgrade() -> None:
    if "expires_at" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")]:
        op.drop_column("users", "expires_at")
