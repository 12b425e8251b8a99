"""What changes in the answer to an allowed hook? Each rewrite changes one field."""

from typing import TYPE_CHECKING, Any

from authgate.family import members, union
from authgate.rewrites.rewrite import Change, Rewrite

MEMBERS = ("put", "map", "drop")  # modules of this package

REWRITES: dict[str, type[Any]] = members(__name__, MEMBERS)

if TYPE_CHECKING:
    AnyRewrite = Rewrite
else:
    AnyRewrite = union(REWRITES.values())

__all__ = ["MEMBERS", "REWRITES", "AnyRewrite", "Change", "Rewrite"]
