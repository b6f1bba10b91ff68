"""
The gates of the deployment suite, for a file of your own below `gates/`:

    from pytest_promotion.suites.deployment.gates import *

A function of the same name after that line replaces a gate.
"""

from pytest_promotion import export_gates
from pytest_promotion.suites.deployment import suite

__path__ = [str(suite.folder)]
__all__ = export_gates(suite, globals())  # noqa: PLE0605 - a list of names, known when the gates are imported
