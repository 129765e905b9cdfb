"""The tables of the ledger. Nothing writes them but `toutdoux.ledger.book`."""

from __future__ import annotations

from django.db import models


class Ledger(models.Model):
    """One association's ledger, and how far it goes."""

    id = models.CharField(primary_key=True, max_length=32)
    """The association's opaque id, named in its first entry."""
    length = models.PositiveBigIntegerField(default=0)
    head = models.CharField(max_length=64)
    """The hash of its last entry."""
    recorded_at = models.DateTimeField(null=True)
    """When its last entry was recorded."""
    played_until = models.DateTimeField(null=True)
    """The latest instant that the tables made from it stand at."""
    due_at = models.DateTimeField(null=True)
    """Time changes nothing before this instant; None: nothing at all is due."""


class Entry(models.Model):
    """One entry. `body` is the very bytes that `hash` was taken of."""

    pk = models.CompositePrimaryKey("ledger", "seq")
    ledger = models.ForeignKey(Ledger, models.PROTECT, db_index=False, related_name="entries")
    seq = models.PositiveBigIntegerField()
    body = models.BinaryField()
    hash = models.CharField(max_length=64)
    subject = models.CharField(max_length=40, blank=True)
    """What it is about, to find it by: an action's reference, a member's id."""

    class Meta:
        indexes = (models.Index(fields=["ledger", "subject", "seq"], name="entry_by_subject"),)


class Text(models.Model):
    """A text that an entry commits to. Forgetting it empties both columns; the entry stays."""

    commitment = models.CharField(primary_key=True, max_length=64)
    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="texts")
    nonce = models.BinaryField(null=True)
    text = models.TextField(null=True)


class Said(models.Model):
    """A command that was carried out, by its key: said again, it changes nothing."""

    ledger = models.ForeignKey(Ledger, models.CASCADE, db_index=False, related_name="said")
    key = models.CharField(max_length=200)
    answer = models.CharField(max_length=200)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["ledger", "key"], name="said_once"),)


class Operator(models.Model):
    """Who acted for others, on the command line: a commitment that their entries share."""

    ledger = models.ForeignKey(Ledger, models.CASCADE, db_index=False, related_name="operators")
    name = models.CharField(max_length=200)
    commitment = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["ledger", "name"], name="operator_once"),)
