"""How often a running program looks for garbage that counted references did not let go of."""

import gc

YOUNG = 20_000
"""After how many new containers it looks: Python's own 700 are made twenty times over while one snapshot is read."""


def settle_down() -> None:
    """Look for garbage seldom, and never in what is there now: that stays.

    Looking through all of it costs a viewer's player a tenth of a second; nearly all that comes later is let go of as
    soon as nothing refers to it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
