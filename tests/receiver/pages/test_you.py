"""Somebody's own pages: who gets there, what is recorded, own rules tried before they are kept, and erasure."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import sqlalchemy as sa

from receiver.pages.you.activity import sums, unrecorded
from receiver.pages.you.privacy import browser_of
from receiver.pages.you.recorded import OPEN_END, State, next_morning, recorded
from reconcile.people import ALWAYS
from reconcile.store.people import Interval
from reconcile.store.tables import metadata
from tests.receiver.houses import NINE_PM, Clock, Program, everything_in, link, notification, program
from tests.receiver.pages.visitors import browser, form_of, owner, viewer
from tests.recordings.shapes import GUEST, SERVER, VIEWER

TABS = ("", "/activity", "/series", "/badges", "/privacy")
EIGHT = NINE_PM - timedelta(hours=1)


async def ledger(here: Program) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables but those of the signed-in browsers."""
    async with here.house.store.read() as db:
        return {
            table.name: sorted((tuple(row) for row in await db.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name != "sign_in"
        }


async def sent(visitor: httpx.AsyncClient, page: str, action: str, **fields: str) -> httpx.Response:
    """Fill in the form with that *action* of a *page*, and send it."""
    return await visitor.post(action, data=form_of(await visitor.get(page), action) | fields)


# --- who gets there --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", TABS)
async def test_everybody_has_their_own_pages_and_nobody_elses(tmp_path: Path, tab: str) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        other = await link(here, GUEST, name="guest")
        async with viewer(here, SERVER, VIEWER) as me:
            mine, theirs = await me.get(f"/you{tab}"), await me.get(f"/people/{other}{tab}")
        async with viewer(here, SERVER, VIEWER, is_administrator=True) as administrator:
            seen = await administrator.get(f"/people/{other}{tab}")

    assert (mine.status_code, theirs.status_code, seen.status_code) == (200, 404, 200)
    assert "guest" in seen.text
    assert len(mine.content) < 50_000


async def test_whoever_has_no_account_is_told_so(tmp_path: Path) -> None:
    async with program(tmp_path, given={"PLAYLEDGER_AUTO_LINK": ""}) as here:
        async with viewer(here, SERVER, VIEWER) as me:
            page, led = await me.get("/you"), await me.get("/you/privacy")
        async with owner(here) as holder:
            nobody = await holder.get("/you")

    assert "Nothing is kept of you" in page.text
    assert (led.status_code, led.headers["location"]) == (303, "/you")
    assert "is nobody" in nobody.text


# --- recorded or not -------------------------------------------------------------------------------------------------


async def test_recording_is_turned_on_and_off_by_oneself(tmp_path: Path) -> None:
    async with program(tmp_path, given={"PLAYLEDGER_AUTO_LINK": ""}) as here:
        await link(here, recorded=False)
        async with viewer(here, SERVER, VIEWER) as me:
            off = await me.get("/you")
            await sent(me, "/you", "/you/recorded", wish="on")
            await here.send(notification("PlaybackStart", NINE_PM, 0))
            on = await me.get("/you")
            here.clock.at += timedelta(minutes=5)
            await sent(me, "/you", "/you/recorded", wish="off")
            again = await me.get("/you")

        assert "Not recorded" in off.text
        assert "since 21:00" in on.text
        assert "Recording is off" in again.text
        assert len((await here.get("/playbacks"))["items"]) == 1


async def test_an_hour_of_private_mode_ends_by_itself_or_at_once(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here:
        await here.watch(NINE_PM - timedelta(hours=3))
        async with viewer(here, SERVER, VIEWER) as me:
            await sent(me, "/you", "/you/recorded", wish="hour")
            private = await me.get("/you")
            is_kept = here.house.people.is_recorded((SERVER, VIEWER), NINE_PM + timedelta(minutes=59))
            is_kept_later = here.house.people.is_recorded((SERVER, VIEWER), NINE_PM + timedelta(minutes=61))
            await sent(me, "/you", "/you/recorded", wish="on")
            ended = await me.get("/you")
            await sent(me, "/you", "/you/recorded", wish="open")
            endless = await me.get("/you")

    assert "until 22:00" in private.text
    assert (is_kept, is_kept_later) == (False, True)
    assert "End private mode now" not in ended.text
    assert "until you end it" in endless.text


async def test_nobody_turns_anothers_recording_on(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        await link(here, GUEST, recorded=False, name="guest")
        async with viewer(here, SERVER, VIEWER) as me:
            answer = await sent(me, "/you", "/you/recorded", wish="on", user=GUEST)

        assert answer.status_code == 404
        assert not here.house.people.is_recorded((SERVER, GUEST), NINE_PM)


@pytest.mark.parametrize("wish", ["on", "hour", "morning", "open"])
async def test_an_administrator_turns_nobodys_recording_on_here(tmp_path: Path, wish: str) -> None:
    async with program(tmp_path) as here:
        number = await link(here, GUEST, recorded=False, name="guest")
        base = f"/people/{number}"
        async with owner(here) as holder:
            page = await holder.get(base)
            answer = await sent(holder, base, f"{base}/recorded", wish=wish, server=SERVER, user=GUEST)

        later = NINE_PM + timedelta(days=2)
        assert answer.status_code == 403
        assert "own choice" in answer.text
        assert not any(here.house.people.is_recorded((SERVER, GUEST), at) for at in (NINE_PM, later))
        assert 'value="on"' not in page.text


async def test_an_administrator_ends_nobodys_private_mode_but_may_turn_recording_off(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        async with viewer(here, SERVER, VIEWER) as me, owner(here) as holder:
            await sent(me, "/you", "/you/recorded", wish="open")
            page = await holder.get("/people/1")
            ended = await sent(holder, "/people/1", "/people/1/recorded", wish="on")
            off = await sent(holder, "/people/1", "/people/1/recorded", wish="off")
            after = await me.get("/you")

    assert "End private mode now" not in page.text
    assert (ended.status_code, off.status_code) == (403, 303)
    assert "Not recorded" in after.text


AT_NINE = Interval(1, "s", "u", 1, NINE_PM, None)


@pytest.mark.parametrize(
    ("intervals", "state", "since", "until"),
    [
        pytest.param([], State.OFF, None, None, id="never"),
        pytest.param([AT_NINE], State.ON, NINE_PM, None, id="since nine"),
        pytest.param([Interval(1, "s", "u", 1, ALWAYS, None)], State.ON, None, None, id="from first sight"),
        pytest.param([Interval(1, "s", "other", 1, NINE_PM, None)], State.OFF, None, None, id="another user is"),
        pytest.param([Interval(1, "s", "u", 1, EIGHT, NINE_PM)], State.OFF, NINE_PM, None, id="no longer"),
        pytest.param(
            [Interval(1, "s", "u", 1, EIGHT, NINE_PM), Interval(2, "s", "u", 1, NINE_PM + timedelta(hours=2), None)],
            State.PRIVATE,
            NINE_PM,
            NINE_PM + timedelta(hours=2),
            id="private for a while",
        ),
        pytest.param([Interval(2, "s", "u", 1, OPEN_END, None)], State.PRIVATE, None, None, id="private until ended"),
        pytest.param(
            [Interval(2, "s", "u", 1, NINE_PM + timedelta(hours=2), NINE_PM)],
            State.OFF,
            NINE_PM,
            None,
            id="a private mode that became an opt-out",
        ),
    ],
)
def test_how_it_stands_with_somebody_follows_from_the_intervals(
    intervals: list[Interval], state: State, since: datetime | None, until: datetime | None
) -> None:
    who = {"server_id": "s", "user_id": "u", "user_name": "viewer", "server_name": None, "server_url": None}

    found = recorded(who, intervals, NINE_PM + timedelta(hours=1))

    assert (found.state, found.since, found.until) == (state, since, until)


@pytest.mark.parametrize(
    ("now", "morning"),
    [
        pytest.param(datetime(2026, 11, 22, 20, tzinfo=UTC), datetime(2026, 11, 23, 5, tzinfo=UTC), id="an evening"),
        pytest.param(datetime(2026, 11, 22, 0, tzinfo=UTC), datetime(2026, 11, 22, 5, tzinfo=UTC), id="after midnight"),
        pytest.param(
            datetime(2026, 11, 22, 4, 30, tzinfo=UTC), datetime(2026, 11, 23, 5, tzinfo=UTC), id="half an hour before"
        ),
        pytest.param(
            datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 3, 29, 4, tzinfo=UTC), id="the clocks go forward"
        ),
        pytest.param(
            datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 5, tzinfo=UTC), id="the clocks go back"
        ),
    ],
)
def test_the_morning_is_six_oclock_there(now: datetime, morning: datetime) -> None:
    assert next_morning(now, ZoneInfo("Europe/Berlin")) == morning


# --- own rules -------------------------------------------------------------------------------------------------------


async def test_a_preview_says_what_would_be_and_writes_nothing(tmp_path: Path, database_url: str) -> None:
    async with program(tmp_path, database_url) as here:
        await here.watch(EIGHT - timedelta(hours=3))
        async with viewer(here, SERVER, VIEWER) as me:
            before = await ledger(here)
            would = await me.get("/you/rules/preview", params={"threshold_from": "own", "threshold": "95"})
            tried = await sent(me, "/you", "/you/rules", threshold_from="own", threshold="95", **{"try": "true"})
            after = await ledger(here)

    assert "last 30 days would have <b>0</b> counted, now <b>1</b>" in would.text
    assert "1 row gone" in tried.text
    assert "would no longer count" in tried.text
    assert after == before


async def test_a_preview_holds_nobody_up_who_plays_meanwhile(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT - timedelta(hours=3))
        async with viewer(here, SERVER, VIEWER) as me:
            form = form_of(await me.get("/you"), "/you/rules") | {"threshold_from": "own", "threshold": "95"}
            asked = [me.get("/you/rules/preview", params=form) for _ in range(4)]
            tried = [me.post("/you/rules", data=form | {"try": "true"}) for _ in range(2)]
            await asyncio.gather(here.watch(EIGHT), *asked, *tried)

        rows = (await here.get("/history"))["items"]
        assert [row["completed"] for row in rows] == [True]
        assert rows[0]["plays"] == 2
        assert here.house.people.rules(1).threshold == 85


async def test_own_rules_are_kept_and_the_history_follows(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        async with viewer(here, SERVER, VIEWER) as me:
            kept = await sent(
                me,
                "/you",
                "/you/rules",
                threshold_from="own",
                threshold="92,5",
                min_seconds_from="own",
                min_seconds="300",
                require_coverage="yes",
                record_partials="household",
                time_zone="Europe/Lisbon",
            )
            page = await me.get("/you")
            back = await sent(me, "/you", "/you/rules", threshold_from="household", time_zone="")

        assert kept.headers["location"] == "/you"
        assert "1 row gone" in page.text
        assert 'value="92.5"' in page.text
        assert back.status_code == 303
        assert here.house.people.rules(1).threshold == 85
        assert here.house.people.rules(1).min_seconds == 300
        assert len((await here.get("/history"))["items"]) == 1


async def test_from_when_on_a_partial_is_kept_may_be_ones_own(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT, minutes=15)
        async with viewer(here, SERVER, VIEWER) as me:
            await sent(me, "/you", "/you/rules", record_partials="yes")
            by_the_household = len((await here.get("/history"))["items"])
            own = {"partial_min_seconds_from": "own", "partial_min_seconds": "1200"}
            preview = await me.get("/you/rules/preview", params={"record_partials": "yes"} | own)
            await sent(me, "/you", "/you/rules", **own)
            by_their_own = len((await here.get("/history"))["items"])
            page = await me.get("/you")
            await sent(me, "/you", "/you/rules", partial_min_seconds_from="household")

        assert (by_the_household, by_their_own) == (1, 0)
        assert preview.status_code == 200
        assert form_of(page, "/you/rules")["partial_min_seconds"] == "1200"
        assert (await here.get("/accounts"))["items"][0]["partial_min_seconds"] is None
        assert len((await here.get("/history"))["items"]) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"threshold_from": "own", "threshold": "101"}, "from 1 to 100 %", id="more than all"),
        pytest.param({"threshold_from": "own", "threshold": "much"}, "from 1 to 100 %", id="no number"),
        pytest.param({"threshold_from": "own", "threshold": "nan"}, "from 1 to 100 %", id="not a number"),
        pytest.param({"min_seconds_from": "own", "min_seconds": "-1"}, "from 0 to 3600 s", id="less than nothing"),
        pytest.param(
            {"partial_min_seconds_from": "own", "partial_min_seconds": "36001"},
            "from 0 to 36000 s",
            id="ten hours and more",
        ),
        pytest.param({"record_partials": "perhaps"}, "one of the three", id="no choice"),
        pytest.param({"time_zone": "Europe/Atlantis"}, "No such time zone", id="no zone"),
    ],
)
async def test_what_makes_no_sense_is_said_at_its_field(tmp_path: Path, fields: dict[str, str], said: str) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        async with viewer(here, SERVER, VIEWER) as me:
            before = await ledger(here)
            answer = await sent(me, "/you", "/you/rules", **fields)
            preview = await me.get("/you/rules/preview", params=fields)

            assert answer.status_code == 400
            assert said in answer.text
            assert (preview.status_code, said in preview.text) == (
                200,
                said != "one of the three" or said in preview.text,
            )
            assert await ledger(here) == before


async def test_another_zone_moves_rows_to_other_days_without_losing_any(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM + timedelta(hours=5))) as here:
        await here.watch(NINE_PM + timedelta(hours=2, minutes=30))  # completed after midnight, by UTC
        async with viewer(here, SERVER, VIEWER) as me:
            tried = await sent(me, "/you", "/you/rules", time_zone="America/New_York", **{"try": "true"})
            await sent(me, "/you", "/you/rules", time_zone="America/New_York")
            activity = await me.get("/you/activity")

        (row,) = (await here.get("/history"))["items"]
        assert row["day"] == "2026-11-22"
        assert "1 row on another day" in tried.text
        assert "America/New_York" in activity.text


# --- activity, series, badges ----------------------------------------------------------------------------------------


async def test_a_series_is_given_up_and_resumed(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        async with viewer(here, SERVER, VIEWER) as me:
            (row,) = (await here.get("/progress", account=1))["items"]
            base = f"/you/series/{row['media']['id']}"
            await sent(me, "/you/series", f"{base}/abandon")
            given_up = await me.get("/you/series", params={"status": "abandoned"})
            await sent(me, "/you/series", f"{base}/resume")
            resumed = await me.get("/you/series", params={"status": "abandoned"})
            strange = await me.post(f"{base}/forget", data=form_of(given_up))

    assert "The Lighthouse Keepers" in given_up.text
    assert "None of these" in resumed.text
    assert strange.status_code == 404


async def test_a_badge_names_the_watch_that_earned_it(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        (watch,) = (await here.get("/history"))["items"]
        async with viewer(here, SERVER, VIEWER) as me:
            page = await me.get("/you/badges")

    assert f'href="/history/{watch["id"]}"' in page.text
    assert "1 of 100: 99 to go" in page.text


def test_a_day_without_anybody_recorded_is_not_an_empty_one() -> None:
    first, today = NINE_PM.date() - timedelta(days=4), NINE_PM.date()
    recorded_for = [
        Interval(1, "s", "u", 1, NINE_PM - timedelta(days=3), NINE_PM - timedelta(days=2)),
        Interval(2, "s", "u", 1, OPEN_END, None),
    ]

    found = unrecorded(recorded_for, {today: 60.0}, first, today, UTC)

    assert sorted(found) == [first, today - timedelta(days=1)]


def test_sums_are_of_the_calendars_week_month_and_year() -> None:
    today = datetime(2026, 3, 4, tzinfo=UTC).date()  # a Wednesday
    seconds = {
        today: 60.0,
        today - timedelta(days=2): 60.0,
        today - timedelta(days=3): 60.0,
        today.replace(month=1): 60.0,
    }
    seconds |= {today.replace(year=2025): 60.0}

    assert [(each.seconds, each.days) for each in sums(seconds, today)] == [(120, 2), (180, 3), (240, 4)]


# --- privacy ---------------------------------------------------------------------------------------------------------


async def test_other_browsers_are_signed_out_and_this_one_stays(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        async with (
            viewer(here, SERVER, VIEWER) as me,
            viewer(here, SERVER, VIEWER) as phone,
            viewer(here, SERVER, VIEWER) as tablet,
            viewer(here, SERVER, GUEST) as guest,
        ):
            form = form_of(await me.get("/you/privacy"))
            numbers = [await me.post(f"/you/sign-ins/{number}", data=form) for number in (1, 2, 4)]
            after_one = [(await each.get("/you")).status_code for each in (me, phone, tablet, guest)]
            await me.post("/you/sign-ins/others", data=form)
            after_all = [(await each.get("/you")).status_code for each in (me, phone, tablet, guest)]

    assert [answer.status_code for answer in numbers] == [404, 303, 404]  # this one, another, somebody else's
    assert after_one == [200, 303, 200, 200]
    assert after_all == [200, 303, 303, 200]


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_everything_is_taken_along(tmp_path: Path, form: str) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT)
        async with viewer(here, SERVER, VIEWER) as me:
            told = await me.get("/you/export", params={"format": form})

    assert "The Lighthouse Keepers" in told.text
    assert "attachment" in told.headers["content-disposition"]


async def test_whoever_types_their_name_is_erased_and_signed_out(tmp_path: Path) -> None:
    async with program(tmp_path) as here:
        await here.watch(EIGHT, NotificationUsername="somebody-here")
        async with viewer(here, SERVER, VIEWER, name="somebody-here") as me:
            wrong = await sent(me, "/you/privacy", "/you/erase", confirm="somebody")
            assert wrong.status_code == 400
            assert "Nothing was erased" in wrong.text
            gone = await sent(me, "/you/privacy", "/you/erase", confirm="somebody-here")
            led = await me.get("/you")

        assert gone.headers["location"] == "/sign-in"
        assert led.headers["location"].startswith("/sign-in")
        assert (await here.get("/history"))["items"] == []
        assert VIEWER.encode() not in everything_in(tmp_path)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        pytest.param(
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux", id="firefox"
        ),
        pytest.param(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604",
            "Safari on iPhone",
            id="a phone",
        ),
        pytest.param(
            "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows", id="edge"
        ),
        pytest.param(None, "A browser that does not name itself", id="nothing"),
        pytest.param("<script>", "script", id="odd"),
    ],
)
def test_a_browser_is_named_in_short(agent: str | None, said: str) -> None:
    assert browser_of(agent) == said


async def test_whoever_has_not_signed_in_changes_nothing(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as nobody:
        await here.watch(EIGHT)
        form = form_of(await nobody.get("/sign-in"))
        for path in ("/you/recorded", "/you/rules", "/you/erase", "/you/sign-ins/others", "/people/1/erase"):
            assert (await nobody.post(path, data=form | {"confirm": "viewer"})).status_code == 401
