"""The page by which a member ties their chat account to themself."""

from __future__ import annotations

import re


def test_a_member_gets_a_code_that_the_bot_knows(loutres, client_of) -> None:
    from datetime import UTC, datetime

    from toutdoux.actions import commands
    from toutdoux.chat import codes
    from toutdoux.chat.models import Account

    client = client_of("ana")
    assert "None is tied to you yet" in client.get("/a/loutres/chat").content.decode()
    page = client.post("/a/loutres/chat/code").content.decode()
    found = re.search(r"register ([A-Z0-9]{5}-[A-Z0-9]{5})", page)
    assert found is not None
    now = datetime.now(UTC)
    request = commands.Request(association=loutres.id, now=now, via="mattermost")
    assert codes.use(request, "mattermost here", "u1", found[1]) == "Ana Brun"
    (account,) = Account.objects.all()
    assert "mattermost here" in client.get("/a/loutres/chat").content.decode()
    client_of("bob").post("/a/loutres/chat/untie", {"account": account.pk})
    assert Account.objects.exists(), "somebody else's"
    client.post("/a/loutres/chat/untie", {"account": account.pk})
    assert not Account.objects.exists()


def test_ones_chat_accounts_are_among_ones_data(loutres, client_of) -> None:
    from toutdoux.chat.models import Account

    for who, person in (("ana", "u1"), ("bob", "u2")):
        Account.objects.create(
            association_id=loutres.id,
            server="mattermost here",
            person=person,
            member_id=loutres.ids[who],
        )
    told = client_of("ana").get("/a/loutres/me/data").json()
    assert told["chat_accounts"] == [{"server": "mattermost here", "id": "u1"}]
