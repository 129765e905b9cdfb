"""The tables of the journal, of reports' words, and of what was published."""

from __future__ import annotations

from django.db import models

from toutdoux.association.models import Association
from toutdoux.ledger.models import Text


class JournalEntry(models.Model):
    id = models.CharField(primary_key=True, max_length=32)
    association = models.ForeignKey(Association, models.CASCADE, related_name="journal")
    number = models.PositiveIntegerField()
    """How people name it, counted from 1 in each association."""
    content = models.ForeignKey(Text, models.PROTECT, related_name="+")
    """The entry as a scenario would write it, as JSON."""
    removed = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["association", "number"], name="journal_number"),
        )
        ordering = ("number",)


class ReportWords(models.Model):
    """What somebody wrote for a period's report, as a scenario would write it, as JSON."""

    association = models.ForeignKey(Association, models.CASCADE, related_name="report_words")
    period = models.CharField(max_length=60)
    content = models.ForeignKey(Text, models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["association", "period"], name="words_once"),
        )


class Publication(models.Model):
    """A report that was published: the SHA-256 of a file."""

    association = models.ForeignKey(Association, models.CASCADE, related_name="publications")
    period = models.CharField(max_length=60)
    format = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField()

    class Meta:
        ordering = ("published_at", "id")
