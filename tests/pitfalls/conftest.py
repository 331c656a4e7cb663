"""Every pitfall is tried in four ways."""

from __future__ import annotations

import pytest

from tests.pitfalls.evening import Evening, Way


@pytest.fixture(params=list(Way), ids=lambda way: str(way.value))
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture
def evening(way: Way, sqlite_url: str) -> Evening:
    """An evening on a SQLite file of its own, heard in each way."""
    return Evening(sqlite_url, way)


@pytest.fixture
def evening_anywhere(way: Way, database_url: str) -> Evening:
    """An evening heard in each way, once on each kind of database."""
    return Evening(database_url, way)
