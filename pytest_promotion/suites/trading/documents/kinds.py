"""The kinds of values that stand in a trading workspace's files. A limit of zero or below is no limit."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1, pattern=r"\S")]
Version = Annotated[int, msgspec.Meta(ge=1, le=9)]  # of a format; what a later one means is not known here
Count = Annotated[int, msgspec.Meta(ge=0)]
Value = Annotated[Any, msgspec.Meta(description="read, whatever it is; a field of the type Any is not read")]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Limit = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]  # a part of one: 0.05 is five percent
STATES: Final = ("running", "soft_pause", "hard_stop")  # of a bot
ShareLimit = Annotated[float, msgspec.Meta(gt=0, le=1)]
