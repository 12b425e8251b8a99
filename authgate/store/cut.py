"""A user's next generation: what was issued to the user before is refused from then on."""

import time

from sqlalchemy import Connection, case, select, update

from authgate.store.tables import sessions, users


def cut_off(connection: Connection, name: str, *, keep_sessions: bool = False, now: int | None = None) -> bool:
    """Begin the next generation of a user in a transaction that others share; False where there is no such user.

    ``keep_sessions``: those that are open go on, and so do tokens of others, which name no generation; it is for a
    change of grants, by which both are judged anyway. The generation is a time in milliseconds where that goes up, so
    that a user who is deleted and added again does not begin with numbers that were used before.
    """
    now = time.time_ns() // 1_000_000 if now is None else now
    mine = users.c.name == name
    row = connection.execute(select(users.c.generation).where(mine).with_for_update()).first()
    if row is None:
        return False
    before = row[0]
    after = case((users.c.generation < now, now), else_=users.c.generation + 1)
    connection.execute(update(users).where(mine).values(generation=after, updated_at=now))
    if not keep_sessions:
        connection.execute(update(users).where(mine).values(cut_off_at=now))
    else:
        generation = connection.execute(select(users.c.generation).where(mine)).scalar_one()
        open_ones = (sessions.c.user_name == name) & (sessions.c.generation == before)
        connection.execute(update(sessions).where(open_ones).values(generation=generation))
    return True
