"""How hard the properties are tried: quick and the same every time, or long and different every time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
"""``HYPOTHESIS_PROFILE=long`` looks for new examples, many more of them."""


def examples(quick: int, long: int) -> settings:
    """Return settings that try *quick* examples by default, and *long* ones in the long profile."""
    return settings(
        max_examples=long if LONG else quick,
        derandomize=not LONG,
        deadline=None,
        print_blob=LONG,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
            # What the databases are copied from is the same for every example.
            HealthCheck.function_scoped_fixture,
        ],
    )
