"""What the people who run it ask for, over the store: each noun in a file of its own."""

from authgate.admin.aliases import add_alias, aliases, remove_alias
from authgate.admin.database import demand_newest, revision, upgrade
from authgate.admin.grants import (
    add_group,
    delete_group,
    group,
    groups,
    groups_of,
    join,
    leave,
    members,
    set_group_grants,
    strangers,
)
from authgate.admin.tokens import TokenReport, check_token, issue_token
from authgate.admin.trail import end_sessions, older_sessions, records, sessions
from authgate.admin.users import add_user, change_user, delete_user, set_enabled, set_grants, set_password, user, users

__all__ = [
    "TokenReport",
    "add_alias",
    "add_group",
    "add_user",
    "aliases",
    "change_user",
    "check_token",
    "delete_group",
    "delete_user",
    "demand_newest",
    "end_sessions",
    "group",
    "groups",
    "groups_of",
    "issue_token",
    "join",
    "leave",
    "members",
    "older_sessions",
    "records",
    "remove_alias",
    "revision",
    "sessions",
    "set_enabled",
    "set_grants",
    "set_group_grants",
    "set_password",
    "strangers",
    "upgrade",
    "user",
    "users",
]
