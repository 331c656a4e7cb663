"""Signs and what they mean: every channel has a colour and a shape of its own, so that either will do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from markupsafe import Markup

from receiver.pages.pictures.svg import number, tag, words
from reconcile.playback.check_in import Channel

LETTER = 7.0
"""How wide a letter is at the most, on average, at the size of the labels."""


class Sign(StrEnum):
    """What a picture of a line may hold, in the order in which the legend explains it."""

    WEBHOOK = "webhook"
    SOCKET = "socket"
    POLL = "poll"
    IMPORT = "import"
    MANUAL = "manual"
    ALSO = "around another: told it too"
    STOP = "stop"
    JUMP = "jump"
    SILENCE = "no evidence"
    COVERED = "covered"


_SHAPES = {
    Sign.WEBHOOK: "M{x} {y}m-2.6 0a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0z",
    Sign.SOCKET: "M{x} {y}m0 -3.3l3.3 3.3l-3.3 3.3l-3.3 -3.3z",
    Sign.POLL: "M{x} {y}m-2.4 -2.4h4.8v4.8h-4.8z",
    Sign.IMPORT: "M{x} {y}m-2.2 0a2.2 2.2 0 1 0 4.4 0a2.2 2.2 0 1 0 -4.4 0z",
    Sign.MANUAL: "M{x} {y}m-2.6 0h5.2m-2.6 -2.6v5.2",
    Sign.ALSO: "M{x} {y}m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    Sign.STOP: "M{x} {y}m0 -6v12",
    Sign.JUMP: "M{x} {y}m-7 4l14 -8",
    Sign.SILENCE: "M{x} {y}m-7 -5h14v10h-14z",
    Sign.COVERED: "M{x} {y}m-2 -6h4v12h-4z",
}

_AROUND = {
    Sign.SOCKET: "M{x} {y}m0 -6.2l6.2 6.2l-6.2 6.2l-6.2 -6.2z",
    Sign.POLL: "M{x} {y}m-4.6 -4.6h9.2v9.2h-9.2z",
}
"""How a channel's shape goes around another's; of the others it is a ring."""

_CLASSES = {
    Sign.ALSO: "pic-also",
    Sign.STOP: "pic-stop",
    Sign.JUMP: "pic-jumped",
    Sign.SILENCE: "pic-no-evidence",
    Sign.COVERED: "pic-covered",
}


def signs_of(channels: Collection[Channel]) -> tuple[Sign, ...]:
    """Return the signs of a check-in that all *channels* told of, in order: the first is its mark."""
    return tuple(sign for sign in Sign if sign.value in channels) or (Sign.MANUAL,)


def around(sign: Sign, x: float, y: float) -> Markup:
    """Return the outline that says of the mark at (x, y) that the channel of *sign* told of it too."""
    data = _AROUND.get(sign, _SHAPES[Sign.ALSO]).format(x=number(x), y=number(y))
    return tag("path", d=data, class_=f"pic-also pic-also-{sign.value}")


def spot(sign: Sign, x: float, y: float) -> Markup:
    """Return *sign* at (x, y)."""
    data = _SHAPES[sign].format(x=number(x), y=number(y))
    return tag("path", d=data, class_=_CLASSES.get(sign, f"pic-spot pic-{sign.value}"))


def legend(signs: Iterable[Sign], left: float, top: float, width: float, row: float) -> tuple[list[Markup], float]:
    """Return *signs* explained from (*left*, *top*) on, as many to a *row* as *width* holds; and how deep that goes."""
    found: list[Markup] = []
    x, y = left, top
    for sign in signs:
        wide = 14 + LETTER * len(sign.value)
        if x > left and x + wide > width:
            x, y = left, y + row
        found += [spot(sign, x + 7, y - 4), words(x + 19, y, sign.value)]
        x += wide + 20
    return found, y + row * 0.4
