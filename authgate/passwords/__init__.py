"""Hash, verify, renew: the only room that knows how passwords are kept."""

from authgate.passwords.hasher import Hasher
from authgate.passwords.hashing import Hashing
from authgate.passwords.machine import Size, fitting, this_machine
from authgate.passwords.schemes import Form, recognise, refusal
from authgate.passwords.verified import Remembering

__all__ = ["Form", "Hasher", "Hashing", "Remembering", "Size", "fitting", "recognise", "refusal", "this_machine"]
