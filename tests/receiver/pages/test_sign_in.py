"""Signing in with a Jellyfin account: who gets in, as whom, and what is kept of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from receiver.pages.entrance import jellyfin as entrance_jellyfin
from receiver.rehearsal.porter import PASSWORD
from receiver.visitors import Who
from reconcile.store import people, sign_ins
from reconcile.store.people import Link
from reconcile.store.sign_ins import SignIn
from tests.receiver.houses import Program, everything_in
from tests.receiver.pages.set_up_houses import (
    ADMIN,
    ATTIC,
    OTHER,
    SERVER_ID,
    STUDY,
    STUDY_ID,
    VIEWER,
    Town,
    connect,
    signed_in,
    town,
)
from tests.receiver.pages.visitors import browser, form_of


async def links(here: Program) -> list[Link]:
    async with here.house.store.read() as db:
        return await people.links(db)


async def standing(here: Program) -> list[SignIn]:
    async with here.house.store.read() as db:
        return await sign_ins.all_of(db, here.clock())


async def test_a_jellyfin_user_signs_in_and_has_an_account_that_is_not_recorded(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        answer = await signed_in(visitor, VIEWER.name)
        page = await visitor.get(answer.headers["location"])
        (linked,) = await links(it.here)
        is_recorded = it.here.house.people.is_recorded((SERVER_ID, VIEWER.id), it.here.clock())
        again = await signed_in_anew(it.here)

    assert (answer.status_code, answer.headers["location"]) == (303, "/now")
    assert "Nothing that you watch is recorded until you turn that on" in page.text
    assert (linked.user_id, linked.user_name, linked.source) == (VIEWER.id, VIEWER.name, "sign-in")
    assert not is_recorded
    assert again == [linked]


async def signed_in_anew(here: Program) -> list[Link]:
    async with browser(here) as another:
        answer = await signed_in(another, VIEWER.name.upper())
        assert answer.status_code == 303
    return await links(here)


async def test_neither_password_nor_tokens_are_kept_anywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    secret = "a-wrong-password-that-is-long"
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        refused = await signed_in(visitor, VIEWER.name, secret)
        await signed_in(visitor, VIEWER.name)
        cookie = visitor.cookies["playledger"]
        tokens = list(it.attic.porter.signed_in)
        kept = everything_in(tmp_path)
    told = capsys.readouterr()
    said = refused.text + told.out + told.err + caplog.text

    assert tokens == []  # logged out again
    assert secret not in said
    assert cookie not in told.out + told.err + caplog.text
    assert [each for each in (secret, cookie, f'"{PASSWORD}"') if each.encode() in kept] == []


async def test_an_administrator_of_the_only_server_administers_all(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        await signed_in(visitor, ADMIN.name)
        found = await it.here.house.sign_ins.visitor(visitor.cookies["playledger"])

    assert found is not None
    assert found.who is Who.OWNER
    assert found.name == ADMIN.name


WORDS = {
    "wrong password": (403, "does not know this name with this password"),
    "unknown name": (403, "does not know this name with this password"),
    "disabled": (403, "the account is disabled"),
    "away": (503, "does not answer just now"),
    "slow": (503, "does not answer just now"),
    "no such server": (404, "no such Jellyfin here"),
}


@pytest.mark.parametrize("case", WORDS)
async def test_what_keeps_somebody_out_is_said_plainly(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        await visitor.get("/sign-in")
        name, server = ("nobody" if case == "unknown name" else VIEWER.name), SERVER_ID
        if case == "disabled":
            it.attic.porter.disabled.add(VIEWER.name)
        elif case == "away":
            it.attic.trouble.status = 503
        elif case == "slow":
            it.attic.trouble.delay = 30.0
            monkeypatch.setattr(entrance_jellyfin, "PATIENCE_SECONDS", 0.05)
        elif case == "no such server":
            server = "e" * 32
        password = "wrong" if case == "wrong password" else PASSWORD
        answer = await signed_in(visitor, name, password, server)
        nobody = await standing(it.here)

    status, said = WORDS[case]
    assert answer.status_code == status
    assert said in answer.text
    assert ATTIC not in answer.text
    assert f'value="{name}"' in answer.text
    assert nobody == []


async def test_many_tries_from_one_address_have_to_wait(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        wrong = [await signed_in(visitor, f"name-{number}", "wrong") for number in range(11)]
        right = await signed_in(visitor, VIEWER.name)
        it.here.clock.at += timedelta(minutes=11)
        later = await signed_in(visitor, VIEWER.name)

    assert [answer.status_code for answer in wrong] == [403] * 10 + [429]
    assert right.status_code == 429
    assert "wait for 10 min" in right.text
    assert later.status_code == 303


async def test_many_tries_with_one_name_have_to_wait_wherever_they_come_from(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        wrong = [
            await signed_in(visitor, VIEWER.name, "wrong", headers={"x-forwarded-for": f"192.0.2.{number}"})
            for number in range(11)
        ]
        other = await signed_in(visitor, OTHER.name)

    assert [answer.status_code for answer in wrong] == [403] * 10 + [429]
    assert "Too many tries with this name" in wrong[-1].text
    assert other.status_code == 303


async def test_many_tries_at_once_do_not_slip_through(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        form = form_of(await visitor.get("/sign-in"), "/sign-in/password") | {"name": VIEWER.name, "password": "wrong"}
        answers = await asyncio.gather(*(visitor.post("/sign-in/password", data=form) for _ in range(30)))
        asked = it.attic.requests["/Users/AuthenticateByName"]

    assert sorted(answer.status_code for answer in answers) == [403] * 10 + [429] * 20
    assert asked == 10


async def test_a_server_that_is_away_uses_nobodys_tries_up(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        await visitor.get("/sign-in")
        it.attic.trouble.status = 503
        away = [(await signed_in(visitor, VIEWER.name)).status_code for _ in range(12)]
        it.attic.trouble.status = None
        back = await signed_in(visitor, VIEWER.name)

    assert away == [503] * 12
    assert back.status_code == 303


async def test_whoever_was_erased_is_told_so_and_gets_no_account(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        await signed_in(visitor, VIEWER.name)
        (linked,) = await links(it.here)
        erased = await it.here.http.post(f"/api/v1/accounts/{linked.account_id}/erase", json={"confirm": VIEWER.name})
        assert erased.status_code == 200, erased.text
        await it.here.house.rights.look()
        signed_out = await standing(it.here)
        answer = await signed_in(visitor, VIEWER.name)
        after = (await links(it.here), await standing(it.here), it.here.house.people.accounts)

    assert signed_out == []
    assert answer.status_code == 403
    assert "Everything that was kept of you was erased" in answer.text
    assert after == ([], [], {})


async def test_whoever_was_unlinked_comes_in_without_an_account(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        await signed_in(visitor, VIEWER.name)
        await it.here.http.delete(f"/api/v1/links/{SERVER_ID}/{VIEWER.id}")
        visitor.cookies.clear()
        answer = await signed_in(visitor, VIEWER.name)
        page = await visitor.get("/you")
        found = await links(it.here)

    assert answer.status_code == 303
    assert "no account here is linked to you" in page.text
    assert found == []


async def test_where_everybody_is_recorded_from_first_sight_a_sign_in_is_one(tmp_path: Path) -> None:
    async with town(tmp_path, PLAYLEDGER_AUTO_LINK="true") as it, browser(it.here) as visitor:
        await connect(it)
        await signed_in(visitor, VIEWER.name)
        page = await visitor.get("/now")
        is_recorded = it.here.house.people.is_recorded((SERVER_ID, VIEWER.id), it.here.clock())

    assert is_recorded
    assert "until you turn that on" not in page.text


async def test_the_account_of_a_sign_in_is_kept_when_everybody_is_recorded_later(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        await signed_in(visitor, VIEWER.name)
        (before,) = await links(it.here)
        it.here.house.people.auto_link = True
        await it.here.watch(it.here.clock.at - timedelta(hours=1), UserId=VIEWER.id, ServerId=SERVER_ID)
        (after,) = await links(it.here)
        (row,) = (await it.here.get("/history"))["items"]

    assert after == before
    assert row["account"]["id"] == before.account_id


async def test_where_there_are_several_servers_one_is_chosen(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it, ATTIC, STUDY)
        door = await visitor.get("/sign-in")
        answer = await signed_in(visitor, ADMIN.name, server=STUDY_ID)
        (who,) = await standing(it.here)
        found = await it.here.house.sign_ins.visitor(visitor.cookies["playledger"])

    assert f'<option value="{SERVER_ID}"' in door.text
    assert f'<option value="{STUDY_ID}"' in door.text
    assert answer.status_code == 303
    assert (who.server_id, who.user_id) == (STUDY_ID, ADMIN.id)
    assert found is not None
    assert found.servers == frozenset({STUDY_ID})


async def test_the_door_opens_though_one_server_is_away(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it, ATTIC, STUDY)
        it.study.trouble.status = 503
        door = await visitor.get("/sign-in")

    assert door.status_code == 200
    assert "Study" in door.text
    assert "Quick Connect" in door.text


async def test_a_server_of_the_environment_that_is_not_polled_lets_people_in_too(tmp_path: Path) -> None:
    told = {"JELLYFIN_URL": ATTIC, "JELLYFIN_API_KEY": "an-api-key-of-the-household", "PLAYLEDGER_POLL": "false"}
    async with town(tmp_path, **told) as it, browser(it.here) as visitor:
        answer = await signed_in(visitor, VIEWER.name)

    assert answer.status_code == 303


async def test_a_new_sign_in_makes_the_cookie_of_the_one_before_worthless(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        form = form_of(await visitor.get("/sign-in"), "/sign-in/password") | {"name": VIEWER.name, "password": PASSWORD}
        await visitor.post("/sign-in/password", data=form)
        before = visitor.cookies["playledger"]
        await visitor.post("/sign-in/password", data=form)
        after = visitor.cookies["playledger"]
        sign_ins_of = it.here.house.sign_ins
        found = [await sign_ins_of.visitor(token) for token in (before, after)]

    assert before != after
    assert found[0] is None
    assert found[1] is not None


# --- rights -----------------------------------------------------------------------------------------------------------


async def rights_after(it: Town, visitor_name: str, change: str) -> Who | None:
    """Sign somebody in, let a quarter of an hour pass in which Jellyfin changes, and return what they are then."""
    porter = it.attic.porter
    async with browser(it.here) as visitor:
        await connect(it)
        await signed_in(visitor, visitor_name)
        match change:
            case "no administrator any more":
                porter.administrators.clear()
            case "an administrator now":
                porter.administrators.add(visitor_name)
            case "disabled":
                porter.disabled.add(visitor_name)
            case "gone":
                porter.users = tuple(user for user in porter.users if user.name != visitor_name)
            case "away":
                porter.administrators.clear()
                it.attic.trouble.status = 503
            case "a stranger answers":
                it.attic.trouble.status = 404
        it.here.clock.at += timedelta(minutes=16)
        await it.here.house.rights.look()
        found = await it.here.house.sign_ins.visitor(visitor.cookies["playledger"])
    return None if found is None else found.who


@pytest.mark.parametrize(
    ("name", "change", "after"),
    [
        (ADMIN.name, "no administrator any more", Who.VISITOR),
        (VIEWER.name, "an administrator now", Who.OWNER),
        (VIEWER.name, "disabled", None),
        (VIEWER.name, "gone", None),
        (ADMIN.name, "away", Who.OWNER),
        (ADMIN.name, "a stranger answers", Who.OWNER),
    ],
    ids=["rights are taken", "rights are given", "disabled", "gone", "away changes nothing", "a stranger is not asked"],
)
async def test_rights_are_looked_at_again(tmp_path: Path, name: str, change: str, after: Who | None) -> None:
    async with town(tmp_path) as it:
        assert await rights_after(it, name, change) is after


async def test_rights_are_asked_for_every_quarter_of_an_hour_only(tmp_path: Path) -> None:
    async with town(tmp_path) as it, browser(it.here) as visitor:
        await connect(it)
        await signed_in(visitor, VIEWER.name)
        for _ in range(5):
            it.here.clock.at += timedelta(minutes=5)
            await it.here.house.rights.look()
        asked = it.attic.requests[f"/Users/{VIEWER.id}"]

    assert asked == 1
