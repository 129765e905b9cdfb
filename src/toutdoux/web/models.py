"""What only the web keeps: who signs in, what they wrote beside the votes, what is to be sent.

Nothing here decides anything: what was decided is in the ledger, and only there.
"""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from toutdoux.association.models import Association, Member


def secret() -> str:
    return secrets.token_urlsafe(24)


class Accounts(BaseUserManager["Account"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Account:
        account = self.model(email=self.normalize_email(email).lower(), **fields)
        account.set_password(password)
        account.save()
        return account


class Account(AbstractBaseUser):
    """Somebody who signs in. What they may do follows from their seats."""

    email = models.EmailField(unique=True, max_length=254)
    language = models.CharField(max_length=10, blank=True)
    """The language they chose; empty: what their browser asks for."""
    theme = models.CharField(max_length=5, blank=True)
    """`light`, `dark`; empty: as the system has it."""
    is_active = models.BooleanField(default=True)
    created = models.DateTimeField()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = Accounts()

    def __str__(self) -> str:
        return self.email


class Seat(models.Model):
    """An account's place in an association: the member it is."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="seats")
    member = models.OneToOneField(Member, models.CASCADE, related_name="seat")
    since = models.DateTimeField()
    notices = models.JSONField(default=dict)
    """Kind of notice → `now`, `daily` or `never`, where it is not the default."""
    secret = models.CharField(max_length=64, unique=True, default=secret)
    """What the private calendar's address holds, and nothing else."""


class Invitation(models.Model):
    """A link by which somebody becomes the account of a member, once."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="invitations")
    code = models.CharField(max_length=64, unique=True)
    """The SHA-256 of what the link holds."""
    email = models.EmailField(blank=True, max_length=254)
    made = models.DateTimeField()
    ends = models.DateTimeField()
    used = models.DateTimeField(null=True)


class FirstLink(models.Model):
    """The one-time link that opens the set-up page of a new installation."""

    code = models.CharField(max_length=64, unique=True)
    made = models.DateTimeField()
    used = models.DateTimeField(null=True)


class Comment(models.Model):
    """What somebody said about an action, in Markdown."""

    association = models.ForeignKey(Association, models.CASCADE, related_name="comments")
    action = models.CharField(max_length=20)
    member = models.ForeignKey(Member, models.CASCADE, related_name="comments")
    text = models.TextField()
    """Empty once its author took it back, or was forgotten."""
    at = models.DateTimeField()
    changed = models.DateTimeField(null=True)
    key = models.CharField(max_length=64, unique=True)
    """The form's token: sent twice, it is there once."""

    class Meta:
        indexes = (models.Index(fields=["association", "action", "at"], name="comment_of"),)
        ordering = ("at", "id")


class Draft(models.Model):
    """What somebody began to write and has not sent."""

    seat = models.ForeignKey(Seat, models.CASCADE, related_name="drafts")
    form = models.CharField(max_length=60)
    """Which form it is: `propose`, `comment AE3` …"""
    content = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["seat", "form"], name="draft_once"),)


class Tag(models.Model):
    """A word by which an action is found again; anyone of the association sets them."""

    association = models.ForeignKey(Association, models.CASCADE, related_name="tags")
    action = models.CharField(max_length=20)
    word = models.CharField(max_length=40)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["association", "action", "word"], name="tag_once"),
        )
        ordering = ("word",)


class Tagged(models.Model):
    """How far an association's ledger was read for the hashtags of objects."""

    association = models.OneToOneField(Association, models.CASCADE, primary_key=True)
    seq = models.BigIntegerField(default=0)


class Token(models.Model):
    """A key to the API, with a member's own rights."""

    seat = models.ForeignKey(Seat, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    code = models.CharField(max_length=64, unique=True)
    """The SHA-256 of the token."""
    writes = models.BooleanField(default=False)
    made = models.DateTimeField()
    used = models.DateTimeField(null=True)


class Followed(models.Model):
    """How far an association's ledger was read for notices."""

    association = models.OneToOneField(
        Association, models.CASCADE, primary_key=True, related_name="followed"
    )
    seq = models.BigIntegerField(default=0)
    comment = models.BigIntegerField(default=0)
    """The last comment that was read."""
    reminded = models.DateTimeField()
    """Up to when ballots that close were looked for."""


class Letter(models.Model):
    """A mail to be sent: once, and again later if the server would not take it.

    What it says is let go once that is over: nothing that may have to be forgotten lingers here.
    """

    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    made = models.DateTimeField()
    due = models.DateTimeField()
    """When it is to be tried next."""
    tries = models.PositiveIntegerField(default=0)
    sent = models.DateTimeField(null=True)
    refused = models.DateTimeField(null=True)
    """When it was given up: the address does not take it, or it was tried for too long."""
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["due"],
                name="letter_waits",
                condition=models.Q(sent__isnull=True, refused__isnull=True),
            ),
        )


class Notice(models.Model):
    """Something a member wants to be told, waiting to be put in a letter."""

    seat = models.ForeignKey(Seat, models.CASCADE, related_name="told")
    kind = models.CharField(max_length=20)
    action = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()
    about = models.CharField(max_length=120, unique=True)
    """What makes it one: a member is told of a thing once, whatever restarts."""
    facts = models.JSONField(default=dict)
    daily = models.BooleanField(default=False)
    """Whether it waits for the day's digest."""
    written = models.DateTimeField(null=True)
    """When it was put in a letter."""
    letter = models.ForeignKey(Letter, models.SET_NULL, null=True, related_name="notices")

    class Meta:
        indexes = (
            models.Index(
                fields=["at"], name="notice_waits", condition=models.Q(written__isnull=True)
            ),
        )


class Verified(models.Model):
    """The last time a whole ledger was verified."""

    association = models.OneToOneField(Association, models.CASCADE, primary_key=True)
    at = models.DateTimeField()
    length = models.BigIntegerField()
    head = models.CharField(max_length=64)
    problem = models.CharField(max_length=300, blank=True)
    """What differed; empty if it was whole."""
