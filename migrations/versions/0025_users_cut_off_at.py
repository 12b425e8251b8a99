"""When what was issued to a user was last refused as a whole."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "cut_off_at" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")]:
        op.add_column("users", sa.Column("cut_off_at", sa.BigInteger))


def downgrade() -> None:
    if "cut_off_at" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")]:
        op.drop_column("users", "cut_off_at")
