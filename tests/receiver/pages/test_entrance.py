"""The entrance: who gets in, how often one may try, and that forms of other sites do nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from receiver.sign_in import COOKIE
from tests.receiver.houses import ADMIN_TOKEN, NINE_PM, Clock, program
from tests.receiver.pages.visitors import browser, form_of, owner


async def test_whoever_has_not_signed_in_is_led_to_the_door_and_back(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as visitor:
        led = await visitor.get("/history?kind=movie")
        assert (led.status_code, led.headers["location"]) == (303, "/sign-in?then=/history%3Fkind%3Dmovie")

        door = await visitor.get(led.headers["location"])
        answer = await visitor.post("/sign-in/token", data=form_of(door) | {"token": ADMIN_TOKEN})

    assert (answer.status_code, answer.headers["location"]) == (303, "/history?kind=movie")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


async def test_behind_tls_the_cookie_goes_over_tls_only(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as visitor:
        door = await visitor.get("/sign-in")
        told = {"x-forwarded-proto": "https"}
        answer = await visitor.post("/sign-in/token", data=form_of(door) | {"token": ADMIN_TOKEN}, headers=told)

    assert "Secure" in answer.headers["set-cookie"]


async def test_only_a_path_of_ours_is_led_to(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as visitor:
        door = await visitor.get("/sign-in", params={"then": "//elsewhere.example/"})

    assert form_of(door)["then"] == "/now"


async def test_whoever_is_led_from_a_long_address_can_sign_in(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as visitor:
        led = await visitor.get("/history", params={"text": "a" * 400})
        door = await visitor.get(led.headers["location"])
        answer = await visitor.post("/sign-in/token", data=form_of(door) | {"token": ADMIN_TOKEN})

    assert (answer.status_code, answer.headers["location"]) == (303, "/now")


@pytest.mark.parametrize("told", ["{}", "2001:db8::1%{}", "192.0.2.{}", "{}" * 1000], ids=repr)
async def test_what_is_no_address_does_not_count_as_another_one(tmp_path: Path, told: str) -> None:
    async with program(tmp_path) as here, browser(here) as visitor:
        form = form_of(await visitor.get("/sign-in")) | {"token": "wrong"}
        for number in range(1000, 1011):
            headers = {"x-forwarded-for": told.replace("{}", str(number))}
            last = await visitor.post("/sign-in/token", data=form, headers=headers)
        known = list(here.house.sign_ins.tries._failed)

    assert last.status_code == 429
    assert known == ["127.0.0.1"]


async def test_a_wrong_token_is_refused_and_many_of_them_have_to_wait(tmp_path: Path) -> None:
    clock = Clock(NINE_PM)
    async with program(tmp_path, clock=clock) as here, browser(here) as visitor:
        form = form_of(await visitor.get("/sign-in"))
        wrong = [await visitor.post("/sign-in/token", data=form | {"token": "wrong"}) for _ in range(11)]
        right = await visitor.post("/sign-in/token", data=form | {"token": ADMIN_TOKEN})
        clock.at += timedelta(minutes=11)
        later = await visitor.post("/sign-in/token", data=form | {"token": ADMIN_TOKEN})

    assert [answer.status_code for answer in wrong] == [403] * 10 + [429]
    assert right.status_code == 429
    assert "wait for 10 min" in right.text
    assert later.status_code == 303


async def test_a_form_without_its_token_does_nothing(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as visitor:
        await visitor.get("/sign-in")
        answer = await visitor.post("/sign-in/token", data={"token": ADMIN_TOKEN})

    assert answer.status_code == 403
    assert "came from another site" in answer.text


async def test_a_form_of_an_earlier_secret_mends_itself(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as visitor:
        visitor.cookies.set("playledger-form", "a" * 128, domain="test.local")
        form = form_of(await visitor.get("/sign-in"))
        refused = await visitor.post("/sign-in/token", data=form | {"token": ADMIN_TOKEN})
        again = form_of(await visitor.get("/sign-in"))
        answer = await visitor.post("/sign-in/token", data=again | {"token": ADMIN_TOKEN})

    assert refused.status_code == 403
    assert answer.status_code == 303


async def test_signing_out_ends_it_at_the_server_too(tmp_path: Path) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        cookie = visitor.cookies["playledger"]
        answer = await visitor.post("/sign-out", data=form_of(await visitor.get("/now"), "/sign-out"))
        assert answer.headers["location"] == "/sign-in"
        visitor.cookies.set("playledger", cookie)
        answer = await visitor.get("/history")

    assert answer.status_code == 303


async def test_the_link_of_the_first_start_works_once(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as visitor, browser(here) as other:
        link = f"/welcome/{here.house.sign_ins.first_token()}"
        page, seen_again = await visitor.get(link), await other.get(link)
        begun = await visitor.post(link, data=form_of(page))
        late = await other.post(link, data=form_of(seen_again))

    assert begun.headers["location"] == "/set-up"
    assert late.status_code == 404


async def test_a_page_lets_nothing_foreign_in(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as visitor:
        answer = await visitor.get("/sign-in")

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text)
    assert " style=" not in answer.text


async def test_an_address_that_leads_nowhere_is_a_page_for_browsers_and_json_for_programs(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as visitor:
        for_eyes = await visitor.get("/no-such-page", headers={"accept": "text/html,*/*;q=0.8"})
        for_programs = await visitor.get("/api/v1/nothing", headers={"accept": "text/html"})

    assert for_eyes.status_code == for_programs.status_code == 404
    assert "<h1>Nothing here</h1>" in for_eyes.text
    assert for_programs.json()["status_code"] == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/no-such-page", 404),
        ("GET", "/you/nothing/here", 404),
        ("POST", "/no-such-page", 404),
        ("GET", "/sign-out", 405),
    ],
    ids=["no such page", "below a page", "a form that leads nowhere", "a page that only takes forms"],
)
async def test_an_address_that_leads_nowhere_shows_the_menu_to_whoever_has_signed_in(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        answer = await visitor.request(method, path, headers={"accept": "text/html"})
        form = form_of(answer, "/sign-out") if method == "GET" else form_of(await visitor.get("/now"), "/sign-out")
        left = await visitor.post("/sign-out", data=form)

    assert answer.status_code == status
    assert 'aria-label="Main"' in answer.text
    assert 'href="/admin"' in answer.text
    assert left.status_code == 303


async def test_an_address_that_leads_nowhere_shows_no_menu_to_strangers(tmp_path: Path) -> None:
    async with program(tmp_path) as here, browser(here) as visitor:
        visitor.cookies.set(COOKIE, "a token of nobody's")
        answer = await visitor.get("/no-such-page", headers={"accept": "text/html"})

    assert answer.status_code == 404
    assert 'aria-label="Main"' not in answer.text


async def test_an_address_under_the_api_answers_json_to_whoever_has_signed_in(tmp_path: Path) -> None:
    async with program(tmp_path) as here, owner(here) as visitor:
        answer = await visitor.get("/api/v1/nothing", headers={"accept": "text/html"})

    assert answer.json()["status_code"] == 404
