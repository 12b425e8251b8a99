"""Other back ends: they judge hooks where a policy asks them, and observe what has been answered."""

from authgate.targets.options import TargetOptions
from authgate.targets.targets import HttpTargets

__all__ = ["HttpTargets", "TargetOptions"]
