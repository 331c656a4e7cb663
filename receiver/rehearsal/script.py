"""A whole evening on paper: who does what at which player, before anyone has heard of it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from receiver.rehearsal.library import USERS, User
from receiver.rehearsal.steps import Programme


class Script(msgspec.Struct, frozen=True):
    """What is to be played. *began* is virtual second 0 on the server's clock; *seed* settles what is left to chance.

    *server* is the server's version (for plugins from 18 on); *clock_offset* is how far its clock is ahead of ours, in
    seconds.
    """

    seed: int
    began: datetime
    programmes: tuple[Programme, ...]
    server: str = "10.11.8"
    clock_offset: float = 0.0
    users: tuple[User, ...] = USERS
