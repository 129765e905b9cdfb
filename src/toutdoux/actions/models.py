"""The tables of actions and votes: where the ledger's history stands, for reading.

They hold what `toutdoux.core.action.Action` holds, column by column, and texts by commitment.
`toutdoux.actions.stage` is the only one that writes them.
"""

from __future__ import annotations

from django.db import models

from toutdoux.association.models import Association


class Action(models.Model):
    association = models.ForeignKey(
        Association, models.CASCADE, db_index=False, related_name="actions"
    )
    ref = models.CharField(max_length=20)
    kind = models.CharField(max_length=15)
    number = models.PositiveIntegerField()
    order = models.PositiveIntegerField()
    proposer = models.CharField(max_length=32)
    leader = models.CharField(max_length=32)
    proposed_at = models.DateTimeField()
    link = models.CharField(max_length=64, null=True)
    """A text's commitment; so are `condition`, `reason`, `note` and a version's `object`."""
    condition = models.CharField(max_length=64, null=True)
    effects = models.JSONField(default=list)
    charter = models.PositiveIntegerField()

    opened_at = models.DateTimeField()
    opened_known = models.DateTimeField()
    opened_place = models.BigIntegerField()
    opened_delay = models.DurationField()
    window_end = models.DateTimeField()
    closes_at = models.DateTimeField()
    roll = models.PositiveIntegerField()
    struck = models.JSONField(default=list)
    votes_for = models.PositiveIntegerField(default=0)
    votes_against = models.PositiveIntegerField(default=0)
    votes_abstain = models.PositiveIntegerField(default=0)
    used = models.BooleanField(default=False)

    called_by = models.CharField(max_length=32, null=True)
    called_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=64, null=True)
    counter_window_end = models.DateTimeField(null=True)
    counter_closes_at = models.DateTimeField(null=True)
    counter_for = models.PositiveIntegerField(default=0)
    counter_against = models.PositiveIntegerField(default=0)
    counter_abstain = models.PositiveIntegerField(default=0)
    counter_used = models.BooleanField(default=False)

    state = models.CharField(max_length=15)
    decision = models.JSONField(null=True)
    decided_at = models.DateTimeField(null=True)
    recorded = models.BooleanField(default=False)
    """Whether the decision was written down."""
    due_at = models.DateTimeField(null=True)
    """While it is undecided, when time changes its state; while its decision is unrecorded, the
    decision's instant; then nothing."""
    condition_met_at = models.DateTimeField(null=True)
    followed_up = models.CharField(max_length=15)
    note = models.CharField(max_length=64, null=True)
    links = models.CharField(max_length=64, null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["association", "ref"], name="action_ref"),)
        indexes = (
            models.Index(
                fields=["association", "due_at"],
                name="action_due",
                condition=models.Q(due_at__isnull=False),
            ),
            models.Index(fields=["association", "proposed_at"], name="action_proposed"),
            models.Index(fields=["association", "kind", "number"], name="action_number"),
            models.Index(fields=["association", "closes_at"], name="action_closes"),
            models.Index(fields=["association", "leader"], name="action_leader"),
            models.Index(
                fields=["association", "decided_at"],
                name="action_decided",
                condition=models.Q(decided_at__isnull=False),
            ),
        )
        ordering = ("order",)


class Version(models.Model):
    """A wording of an action's object."""

    action = models.ForeignKey(Action, models.CASCADE, db_index=False, related_name="versions")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    object = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["action", "number"], name="version_number"),)
        ordering = ("number",)


class Vote(models.Model):
    """A vote or an opinion in force."""

    action = models.ForeignKey(Action, models.CASCADE, db_index=False, related_name="votes")
    ballot = models.CharField(max_length=12)
    member = models.CharField(max_length=32)
    counted = models.BooleanField()
    """False for an opinion."""
    choice = models.CharField(max_length=8)
    at = models.DateTimeField(null=True)
    """For an opinion: when it counts, and when it became known, if that was after the decision."""
    recorded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["action", "member", "ballot", "counted"], name="vote_once"
            ),
        )


class ReadChat(models.Model):
    """A channel of a chat where votes are cast, and how far it was read."""

    association = models.ForeignKey(Association, models.CASCADE, db_index=False, related_name="+")
    server = models.CharField(max_length=200)
    """The chat system and its address."""
    channel = models.CharField(max_length=255)
    until = models.DateTimeField()
    """Everything that happened there before is known."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["association", "server", "channel"], name="read_chat_once"
            ),
        )


class Carried(models.Model):
    """That a channel carries the ballots of an action: its decisions wait for it to be read."""

    chat = models.ForeignKey(ReadChat, models.CASCADE, db_index=False, related_name="carried")
    action = models.CharField(max_length=20)
    """Its reference."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["chat", "action"], name="carried_once"),)


class ImportedAction(models.Model):
    """An action that was voted on by hand, known from a table or from the chat it was voted in."""

    association = models.ForeignKey(
        Association, models.CASCADE, db_index=False, related_name="imported"
    )
    ref = models.CharField(max_length=20)
    kind = models.CharField(max_length=15)
    number = models.PositiveIntegerField()
    object = models.CharField(max_length=64)
    leader = models.CharField(max_length=64, null=True)
    leader_id = models.CharField(max_length=32, null=True)
    date = models.DateField()
    votes_for = models.PositiveIntegerField()
    votes_against = models.PositiveIntegerField()
    expressed = models.PositiveIntegerField()
    link = models.CharField(max_length=64, null=True)
    # How its vote went; nothing of it is known from a table.
    proposed_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=15, null=True)
    how = models.CharField(max_length=20, null=True)
    decided_at = models.DateTimeField(null=True)
    votes = models.JSONField(null=True)
    """As the entry holds them."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["association", "ref"], name="imported_ref"),)
        ordering = ("kind", "number")
