"""What a form says is wrong, read into what is kept: nothing that whoever fills it in may not say."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.pages.history.filter import LONGEST_TEXT
from receiver.pages.history.leaves import number_of
from receiver.visitors import Visitor
from reconcile.correcting import Saying
from reconcile.errors import SettingRefused
from reconcile.playback.corrections import What
from reconcile.playback.media import Identity
from reconcile.store import audit, corrections

Text = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f]*$")]

WHATS = (What.NOT_ME, What.WRONG_ITEM, What.DELETE)


class Form(msgspec.Struct, frozen=True):
    """What was filled in. *media* is a media's id, *unit* an episode; *title* and *tmdb* name one that is not known.

    *look* is the title that is looked for. *step* is «look» for what it would change, «apply» for doing it; else it is
    filled in further.
    """

    what: Text = ""
    account: Text = ""
    media: Text = ""
    unit: Text = ""
    kind: Text = "movie"
    title: Text = ""
    tmdb: Text = ""
    note: Text = ""
    look: Annotated[str, Meta(max_length=LONGEST_TEXT, pattern=r"^[^\x00]*$")] = ""
    back: Annotated[str, Meta(max_length=2000)] = ""
    step: Text = ""


async def saying_of(
    db: AsyncConnection, visitor: Visitor, others: Collection[int], form: Form, *, is_film: bool
) -> Saying:
    """Return what was filled in of a film or an episode, as it is kept; *others* are those whose it may have been.

    Raises SettingRefused with what to do.
    """
    if form.what not in WHATS:
        raise SettingRefused("Choose what is wrong: one of the three.")
    what, note = What(form.what), form.note.strip() or None
    if what is What.NOT_ME:
        other = number_of(form.account)
        if other is not None and other not in others:
            raise SettingRefused("Choose whose it was among the people whose history you may change.")
        return Saying(what, visitor.name, to_account=other, note=note)
    if what is What.DELETE:
        return Saying(what, visitor.name, note=note)
    media = await _media(db, visitor, form)
    is_film_now = is_film if media is None else media.kind == "movie"
    unit = None if is_film_now else form.unit.strip() or None
    return Saying(what, visitor.name, to_media=media, to_unit=unit, note=note)


async def _media(db: AsyncConnection, visitor: Visitor, form: Form) -> Identity | None:
    """Return what it was instead: one that was found, or one by its TMDB id; None: that is not known."""
    if form.media == "new":
        if form.kind not in ("movie", "series") or not form.title.strip() or not form.tmdb.strip().isdecimal():
            raise SettingRefused("For a title that is not listed, give its kind, its title, and its number at TMDB.")
        return Identity(form.kind, form.title.strip(), None, (("tmdb", str(int(form.tmdb.strip()[:12]))),))
    chosen = number_of(form.media)
    if chosen is None:
        return None
    found = await corrections.identity_of(db, chosen) if await may_name(db, visitor, chosen) else None
    if found is None:
        raise SettingRefused("That title is there no longer: look for it again.")
    return found


async def may_name(db: AsyncConnection, visitor: Visitor, media_id: int) -> bool:
    """Say whether *visitor* may know that there is that media: somebody they may see has watched it."""
    return visitor.seen is None or await audit.is_known_to(db, media_id, visitor.seen)
