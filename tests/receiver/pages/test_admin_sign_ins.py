"""Sign-ins: every browser that is signed in, and ending that."""

from __future__ import annotations

from pathlib import Path

from reconcile.store import servers
from tests.receiver.houses import NINE_PM, Clock, program
from tests.receiver.pages.visitors import form_of, owner, viewer
from tests.recordings.shapes import GUEST, SERVER, VIEWER

OTHER = "00000000000000000000000000000bad"
PAGE = "/admin/sign-ins"


async def test_a_browser_is_signed_out_by_another(tmp_path: Path) -> None:
    async with (
        program(tmp_path, clock=Clock(NINE_PM)) as here,
        viewer(here, SERVER, VIEWER, name="viewer") as one,
        owner(here) as visitor,
    ):
        page = await visitor.get(PAGE)
        await visitor.post(f"{PAGE}/1/revoke", data=form_of(page))
        left = await one.get("/history")

    assert "viewer" in page.text
    assert "this browser" in page.text
    assert left.status_code == 303


async def test_all_others_are_signed_out_at_once(tmp_path: Path) -> None:
    async with (
        program(tmp_path, clock=Clock(NINE_PM)) as here,
        viewer(here, SERVER, VIEWER) as one,
        owner(here) as two,
        owner(here) as visitor,
    ):
        await visitor.post(f"{PAGE}/revoke-others", data=form_of(await visitor.get(PAGE)))
        answers = [await each.get(PAGE) for each in (one, two, visitor)]

    assert [answer.status_code for answer in answers] == [303, 303, 200]


async def test_ones_own_leads_to_the_door(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here, owner(here) as visitor:
        answer = await visitor.post(f"{PAGE}/1/revoke", data=form_of(await visitor.get(PAGE)))

    assert answer.headers["location"] == "/sign-in"


async def test_an_administrator_sees_and_ends_those_of_their_server_only(tmp_path: Path) -> None:
    async with program(tmp_path, clock=Clock(NINE_PM)) as here:
        async with here.house.store.begin() as db:
            for server_id in (SERVER, OTHER):
                await servers.see(db, server_id, NINE_PM, name=server_id[:4])
        async with (
            viewer(here, SERVER, VIEWER, name="somebody of this one") as theirs,
            owner(here),
            viewer(here, OTHER, GUEST, name="the other administrator", is_administrator=True) as visitor,
        ):
            page = await visitor.get(PAGE)
            refused = await visitor.post(f"{PAGE}/1/revoke", data=form_of(page))
            await visitor.post(f"{PAGE}/revoke-others", data=form_of(page))
            still = await theirs.get("/history")

    assert "the other administrator" in page.text
    assert "somebody of this one" not in page.text
    assert "Holder of" not in page.text
    assert refused.status_code == 404
    assert still.status_code == 200
