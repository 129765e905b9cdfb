"""What the bot has to remember: so it can be stopped at any moment, and go on from there."""

from __future__ import annotations

from django.db import models

from toutdoux.association.models import Association, Member

AMEND, WITHDRAW = QUESTIONS = ("amend", "withdraw")
"""What a leader is asked about when their message changed, in the place of a post's ballot."""

DELETED = "deleted"
"""What is kept of the text of a message that is gone, in the place of its digest."""


class Account(models.Model):
    """A chat account that is a member's."""

    association = models.ForeignKey(Association, models.CASCADE, db_index=False, related_name="+")
    server = models.CharField(max_length=200)
    """The chat system and its address: an id means nothing without them."""
    person = models.CharField(max_length=255)
    member = models.ForeignKey(Member, models.CASCADE, related_name="chat_accounts")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["association", "server", "person"], name="chat_account_once"
            ),
        )


class Code(models.Model):
    """What ties a chat account to a member, said to the bot in private; once."""

    digest = models.CharField(primary_key=True, max_length=64)
    """SHA-256 of it: the code itself is kept nowhere."""
    member = models.ForeignKey(Member, models.CASCADE, related_name="chat_codes")
    by = models.CharField(max_length=32, blank=True)
    """The member who made it; empty for the command line."""
    until = models.DateTimeField()


class Followed(models.Model):
    """How far the bot has told a server of what a ledger says."""

    association = models.ForeignKey(Association, models.CASCADE, db_index=False, related_name="+")
    server = models.CharField(max_length=200)
    seq = models.PositiveBigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["association", "server"], name="chat_followed_once"),
        )


class Lease(models.Model):
    """Which process serves a connection: the others wait until it is over."""

    association = models.ForeignKey(Association, models.CASCADE, db_index=False, related_name="+")
    server = models.CharField(max_length=200)
    holder = models.CharField(max_length=16)
    until = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["association", "server"], name="chat_lease_once"),
        )


class Post(models.Model):
    """A message whose reactions are votes, with the card that shows where the vote stands; or one
    by which the bot asks an action's leader whether a change of theirs is meant."""

    association = models.ForeignKey(Association, models.CASCADE, db_index=False, related_name="+")
    server = models.CharField(max_length=200)
    channel = models.CharField(max_length=255)
    message = models.CharField(max_length=255)
    thread = models.CharField(max_length=255, blank=True)
    action = models.CharField(max_length=20)
    ballot = models.CharField(max_length=12)
    """The ballot's name; or one of `QUESTIONS`."""
    since = models.DateTimeField(null=True)
    """When the vote opened that its reactions are votes on: later ones are others. None if that was
    with the proposal."""
    of = models.ForeignKey("self", models.CASCADE, null=True, related_name="+")
    """The message whose vote goes on with this one, once that is gone: both are read together, and
    what was taken is kept with the first."""
    card = models.CharField(max_length=255, blank=True)
    """The bot's message that shows it; empty until it is there."""
    shown = models.CharField(max_length=64, blank=True)
    """A digest of what the card says."""
    text = models.CharField(max_length=64, blank=True)
    """A digest of what somebody proposed by it, to notice an edit; empty for the bot's own."""
    open = models.BooleanField(default=True)
    """Whether its reactions can still change anything."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["association", "server", "message"], name="chat_post_once"
            ),
        )
        indexes = (
            models.Index(
                fields=["association", "server"],
                name="chat_post_open",
                condition=models.Q(open=True),
            ),
            models.Index(fields=["association", "action"], name="chat_post_action"),
        )


class Handled(models.Model):
    """What somebody's reactions under a post last said, and was taken: never taken twice. It stays
    as long as the post, for reactions can be read again at any time; it goes when whoever it is of
    is forgotten."""

    post = models.ForeignKey(Post, models.CASCADE, db_index=False, related_name="handled")
    person = models.CharField(max_length=255)
    choice = models.CharField(max_length=8, blank=True)
    """Empty when they took it away."""
    at = models.DateTimeField()
    """When they made it, by the server's clock: so it is known again. A later one is a new one."""
    counts_from = models.DateTimeField(null=True)
    """From when what was last taken counts, by the clock of all that is recorded."""
    member = models.CharField(max_length=32, blank=True)
    """Whose vote it was taken for: their id; empty as long as the account is nobody's."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["post", "person"], name="chat_handled_once"),
        )


class Outgoing(models.Model):
    """A message that has to be sent, once; emptied when it was. What it was known by stays, so that
    it is never said again: also an old question can be edited. Of somebody who is forgotten, that
    goes as well."""

    association = models.ForeignKey(Association, models.CASCADE, db_index=False, related_name="+")
    server = models.CharField(max_length=200)
    key = models.CharField(max_length=120)
    channel = models.CharField(max_length=255, blank=True)
    person = models.CharField(max_length=255, blank=True)
    """Who gets it in private, where there is no channel. Without either, it is for the main
    channel, once the bot is in one."""
    thread = models.CharField(max_length=255, blank=True)
    text = models.TextField()
    post = models.ForeignKey(Post, models.CASCADE, null=True, related_name="+")
    """What it is the card of; or, with a ballot, whose vote goes on with it."""
    action = models.CharField(max_length=20, blank=True)
    ballot = models.CharField(max_length=12, blank=True)
    """The ballot that is voted on by reacting to it, if one is."""
    since = models.DateTimeField(null=True)
    """When that vote opened, as for `Post`."""
    files = models.JSONField(default=list)
    """The files that go with it: name, media type, content in Base64."""
    sent = models.CharField(max_length=255, blank=True)
    """The message that it became; or why it becomes none."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["association", "server", "key"], name="chat_outgoing_once"
            ),
        )
        indexes = (
            models.Index(
                fields=["association", "server", "id"],
                name="chat_to_send",
                condition=models.Q(sent=""),
            ),
        )
