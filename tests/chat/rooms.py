"""An association in a chat in memory."""

from __future__ import annotations

from threading import Event

from tests.chat.memory import BEGIN, Memory


class Room:
    """An association with four founders, each with a chat account of the same name but driss."""

    def __init__(self, chat: Memory | None = None) -> None:
        from datetime import timedelta

        from toutdoux.actions import commands
        from toutdoux.chat.models import Account
        from toutdoux.core.charter import read_charter

        self.chat = chat or Memory()
        begin = min(BEGIN, self.chat.clock) - timedelta(days=30)
        self.id = commands.found(
            "Les Loutres libres",
            now=begin,
            via="test",
            slug=f"loutres-{commands.new_id()}",
            time_zone="Europe/Paris",
            language="en",
            charter=read_charter("tout-doux-cratie"),
        )
        request = commands.Request(association=self.id, now=begin, via="test")
        self.members = {
            name.split()[0].lower(): commands.add_member(request, name, joined=begin, founder=True)
            for name in ("Ana Brun", "Bob Leroy", "Chloe Petit", "Driss Amar")
        }
        for name in ("ana", "bob", "chloe"):
            Account.objects.create(
                association_id=self.id,
                server=self.chat.server,
                person=name,
                member_id=self.members[name],
            )
        self.start()

    def start(self) -> None:
        """Start the bot, anew if it ran: it remembers what is in the database."""
        from toutdoux.association.models import Association
        from toutdoux.chat.brain import Brain

        self.brain = Brain(Association.objects.get(pk=self.id), self.chat)

    def turn(self) -> None:
        """Let the bot do what it does at each look."""
        self.chat.after(seconds=1)
        self.brain.turn(list(self.chat.news(Event())), self.chat.clock)

    def action(self, ref: str):
        from toutdoux.actions import reading

        return reading.standing(self.id, self.chat.clock, "(erased)").actions[ref]

    def tally(self, ref: str) -> tuple[int, int, int]:
        ballot = self.action(ref).ballot
        return ballot.for_, ballot.against, ballot.abstain
