"""The tables of associations: read by everybody, written by what the ledger records."""

from __future__ import annotations

from django.db import models

from toutdoux.ledger.models import Ledger, Text


class Association(models.Model):
    ledger = models.OneToOneField(Ledger, models.CASCADE, primary_key=True)
    slug = models.CharField(max_length=60, unique=True)
    """How the command line and addresses know it."""
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=60)
    language = models.CharField(max_length=10)
    settings = models.JSONField(default=dict)
    """What was set of `settings.Settings`: 0 or 1, or the commitment to a text."""


class CharterVersion(models.Model):
    association = models.ForeignKey(Association, models.CASCADE, related_name="charters")
    number = models.PositiveIntegerField()
    rules = models.JSONField()
    since = models.DateTimeField(null=True)
    by_action = models.CharField(max_length=20, null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["association", "number"], name="charter_number"),
        )
        ordering = ("number",)


class Member(models.Model):
    id = models.CharField(primary_key=True, max_length=32)
    association = models.ForeignKey(Association, models.CASCADE, related_name="members")
    handle = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=254, blank=True)
    founder = models.BooleanField(default=False)
    granted_at = models.DateTimeField(null=True)
    """When the right to vote was given early, and the grant's place in the order."""
    granted_place = models.BigIntegerField(null=True)
    erased = models.BooleanField(default=False)
    """Whether the ledger was asked to forget who this is."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["association", "handle"], name="handle_once"),
        )
        ordering = ("handle",)


class Membership(models.Model):
    member = models.ForeignKey(Member, models.CASCADE, related_name="memberships")
    joined = models.DateTimeField()
    left = models.DateTimeField(null=True)
    joined_recorded = models.DateTimeField(null=True)
    """When it was recorded, where that was after the fact; so for `left_recorded`."""
    left_recorded = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["left"], name="membership_ends", condition=models.Q(left__isnull=False)
            ),
        )
        ordering = ("joined",)


class Period(models.Model):
    id = models.CharField(primary_key=True, max_length=32)
    association = models.ForeignKey(Association, models.CASCADE, related_name="periods")
    name = models.CharField(max_length=60)
    first = models.DateField()
    last = models.DateField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["association", "name"], name="period_once"),)
        ordering = ("first", "name")


class Role(models.Model):
    id = models.CharField(primary_key=True, max_length=32)
    member = models.ForeignKey(Member, models.CASCADE, related_name="roles")
    role = models.ForeignKey(Text, models.PROTECT, related_name="+")
    first = models.DateField()
    last = models.DateField(null=True)

    class Meta:
        ordering = ("first", "id")
