"""What can be made to go wrong with the simulated server's answers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Trouble:
    """Set by tests at any time; an answer without trouble is an honest one.

    *status* is answered instead (503, 500, 401), *of_path* to some requests only; *server_id* is whom another server,
    that answers at the same address, says it is; *delay* makes every answer wait so many seconds; *empty* answers no
    sessions at all; *malformed* puts a broken session among the others; *garbage* answers text that is no JSON.
    """

    status: int | None = None
    of_path: dict[str, int] = field(default_factory=dict)
    server_id: str | None = None
    delay: float = 0.0
    empty: bool = False
    malformed: bool = False
    garbage: bool = False

    def sessions(self, honest: bytes) -> bytes:
        """Return the answer to ``GET /Sessions`` that takes the place of the *honest* one."""
        if self.garbage:
            return b"<html>a proxy says hello</html>"
        if self.empty:
            return b"[]"
        if self.malformed:
            broken = b'{"Id":17,"NowPlayingItem":{"RunTimeTicks":"a lot"},"PlayState":[]}'
            return b"[" + broken + (b"]" if honest == b"[]" else b"," + honest[1:])
        return honest
