"""Users' next generations: what was issued to them before is refused from then on."""

import time
from collections.abc import Sequence

from sqlalchemy import Connection, case, select, update

from authgate.store.tables import sessions, users


def cut_off(
    connection: Connection, names: Sequence[str], *, keep_sessions: bool = False, now: int | None = None
) -> int:
    """Begin the next generation of some users in a transaction that others share; how many of them there are.

    ``keep_sessions``: those that are open go on, and so do tokens of others, which name no generation; it is for a
    change of grants, by which both are judged anyway. The generation is a time in milliseconds where that goes up, so
    that a user who is deleted and added again does not begin with numbers that were used before.
    """
    now = time.time_ns() // 1_000_000 if now is None else now
    theirs = users.c.name.in_(names)
    # In the order of their names, so that two who cut off the same ones do not wait for each other.
    there = connection.execute(select(users.c.name).where(theirs).order_by(users.c.name).with_for_update()).all()
    if not there:
        return 0
    after = case((users.c.generation < now, now), else_=users.c.generation + 1)
    if not keep_sessions:
        values = {"generation": after, "updated_at": now, "cut_off_at": now}
        connection.execute(update(users).where(theirs).values(**values))
        return len(there)
    own = users.c.name == sessions.c.user_name
    current = select(users.c.generation).where(own).scalar_subquery()
    open_ones = sessions.c.user_name.in_(names) & (sessions.c.generation == current)
    next_one = select(after).where(own).scalar_subquery()
    connection.execute(update(sessions).where(open_ones).values(generation=next_one))
    connection.execute(update(users).where(theirs).values(generation=after, updated_at=now))
    return len(there)
