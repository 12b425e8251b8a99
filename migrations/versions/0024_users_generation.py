"""A number by which what was issued to a user before is told from what was issued since."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    # Looked for first: MariaDB commits it at once, and may be killed before the note of the revision.
    if "generation" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")]:
        op.add_column("users", sa.Column("generation", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    if "generation" in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")]:
        op.drop_column("users", "generation")
