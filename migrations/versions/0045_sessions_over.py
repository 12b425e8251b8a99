"""Sessions that are over, or are to be ended."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("hook", sa.String(32)),
        sa.Column("due", sa.Integer, nullable=False, server_default="1"),
        sa.Column("seen_at", sa.BigInteger),
        sa.Column("over_at", sa.BigInteger),
        sa.Column("over_reason", sa.String(64)),
        sa.Column("end_at", sa.BigInteger),
        sa.Column("end_reason", sa.String(64)),
        sa.Column("end_tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("end_next_at", sa.BigInteger),
        sa.Column("end_error", sa.String(512)),
    ]


def there() -> set[str]:
    """Looked at first: MariaDB commits each column at once, and may be killed before the note of the revision."""
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")}


def upgrade() -> None:
    for column in columns():
        if column.name not in there():
            op.add_column("sessions", column)


def downgrade() -> None:
    # Whoever is over would be live again.
    if "over_at" in there():
        op.execute("DELETE FROM sessions WHERE over_at IS NOT NULL")
    for column in reversed(columns()):
        if column.name in there():
            op.drop_column("sessions", column.name)
