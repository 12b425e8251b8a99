"""From when on a user is let in."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "not_before" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")]:
        op.add_column("users", sa.Column("not_before", sa.BigInteger))


def downgrade() -> None:
    if "not_before" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")]:
        op.drop_column("users", "not_before")
