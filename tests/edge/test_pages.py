"""The page at `/`, its files, and the demo's sign-in: nothing from elsewhere, nothing outside a demo."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Mount

from countersign import config
from countersign.config import Mode, Settings
from countersign.demo.run import LINKS, make_links
from countersign.edge import pages

ORIGIN = "http://localhost:4600"
CLICK = {"sec-fetch-site": "same-origin"}
TOKENS = {"recruiter": {"token": "cts_example", "organization": "Zenda Mutual Insurance"}}


def settings(data: Path, mode: Mode) -> Settings:
    (data / pages.TOKENS).write_text(json.dumps(TOKENS), encoding="utf-8")
    return config.load(mode=Mode.DEV, data=data, public_origin=ORIGIN).model_copy(update={"mode": mode})


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    served = Starlette(routes=pages.routes(settings(tmp_path, Mode.DEMO)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url=ORIGIN) as client:
        yield client


SHOWN = pytest.mark.parametrize(
    ("page", "texts"),
    [("/", "texts"), ("/join", "join-texts"), ("/claim", "learner-texts"), ("/review", "review-texts")],
)


@SHOWN
async def test_the_page_names_nothing_outside_its_origin(browser: httpx.AsyncClient, page: str, texts: str) -> None:
    answer = await browser.get(page)
    assert (await browser.get(f"/page/{texts}.js")).status_code == 200
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", answer.text)
    for path in re.findall(r"(?:src|href)=\"(/page/[^\"]+)\"", answer.text):
        assert (await browser.get(path)).status_code == 200


@pytest.mark.parametrize("page", ["/", "/join", "/claim", "/review"])
async def test_no_page_has_a_script_a_style_or_a_handler_in_its_text(browser: httpx.AsyncClient, page: str) -> None:
    answer = await browser.get(page)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", answer.text)


@SHOWN
async def test_the_page_has_the_same_texts_in_both_languages(browser: httpx.AsyncClient, page: str, texts: str) -> None:
    english, russian = (await browser.get(f"/page/{texts}.js")).text.split("  ru: {")
    keys = [re.findall(r"^    (\w+):", part, flags=re.MULTILINE) for part in (english, russian)]
    assert keys[0] == keys[1]
    used = re.findall(r"data-text=\"(\w+)\"", (await browser.get(page)).text)
    assert set(used) <= set(keys[0])


async def test_a_bundle_that_is_not_built_is_not_found(tmp_path: Path) -> None:
    served = Starlette(routes=[Mount("/ui", pages.Files(tmp_path / "dist"))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url=ORIGIN) as client:
        assert (await client.get("/ui/graphiql/assets/index.js")).status_code == 404


async def test_one_click_on_the_page_signs_in_with_the_token_in_the_fragment(browser: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await browser.get("/demo/recruiter", headers=CLICK)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/graphql?role=recruiter#token=cts_example"
        assert answer.headers["cache-control"] == "no-store"
    assert (await browser.get("/demo/chancellor", headers=CLICK)).status_code == 404


async def test_a_printed_link_signs_in_once_and_then_leads_to_the_page(
    browser: httpx.AsyncClient, tmp_path: Path
) -> None:
    made = make_links(settings(tmp_path, Mode.DEMO), ["recruiter", "school"])
    tried = [
        "",
        "?once=",
        "?once=..",
        "?once=%ff%00",
        f"?once={made['school']}",
        f"?once={made['recruiter']}",
        f"?once={made['recruiter']}",
    ]
    assert (await browser.head(f"/demo/recruiter?once={made['recruiter']}")).headers["location"] == "/"
    led = [(await browser.get(f"/demo/recruiter{query}")).headers["location"] for query in tried]
    assert led == ["/"] * 5 + ["/graphql?role=recruiter#token=cts_example", "/"]
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert (await browser.get("/demo/recruiter", headers=elsewhere)).headers["location"] == "/"
    # The links of the next run end those of this one.
    assert set(make_links(settings(tmp_path, Mode.DEMO), ["recruiter"])) == {"recruiter"}
    assert [len(list((tmp_path / pages.LINKS).iterdir())), pages.LINKS] == [1, LINKS]


async def test_no_other_site_learns_the_demo_s_tokens(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/demo/roles")).json() == TOKENS
    foreign = await browser.get("/demo/roles", headers={"sec-fetch-site": "cross-site"})
    assert (foreign.status_code, "cts_" in foreign.text) == (403, False)
    rebound = {"host": "evil.example", **CLICK}
    assert (await browser.get("/demo/roles", headers=rebound)).json() == {}
    assert (await browser.get("/demo/recruiter", headers=rebound)).status_code == 404


@pytest.mark.parametrize("mode", [Mode.DEV, Mode.PRODUCTION])
async def test_there_is_no_sign_in_outside_the_demo(tmp_path: Path, mode: Mode) -> None:
    served = Starlette(routes=pages.routes(settings(tmp_path, mode)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url=ORIGIN) as client:
        assert (await client.get("/demo/recruiter", headers=CLICK)).status_code == 404
        assert (await client.get("/demo/roles")).json() == {}
        assert (await client.get("/")).status_code == 200
