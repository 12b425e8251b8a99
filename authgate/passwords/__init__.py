"""Hash, verify, renew: the only room that knows how passwords are kept."""

from authgate.passwords.hasher import Hasher
from authgate.passwords.hashing import Hashing
from authgate.passwords.schemes import Form, recognise

__all__ = ["Form", "Hasher", "Hashing", "recognise"]
