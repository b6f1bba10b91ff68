"""The version of the distribution, and of the suites that it brings."""

from typing import Final

VERSION: Final = "0.2.0"
