from collections.abc import Iterator
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

_AT_ONCE = 500


def _fill(apps: Any, schema_editor: object) -> None:
    """What is being voted on goes on, and what was taken was so for whom the account is now."""
    _say_since(apps)
    _say_for_whom(apps)


def _say_since(apps: Any) -> None:
    Action = apps.get_model("actions", "Action")
    changed = []
    for post in apps.get_model("chat", "Post").objects.exclude(ballot__in=("amend", "withdraw")):
        action = Action.objects.filter(association=post.association_id, ref=post.action).first()
        if action is None:  # voted on by hand
            continue
        if post.ballot == "counter_vote":
            post.since = action.called_at
        elif action.opened_at != action.proposed_at:
            post.since = action.opened_at
        changed.append(post)
    apps.get_model("chat", "Post").objects.bulk_update(changed, ["since"], _AT_ONCE)


def _say_for_whom(apps: Any) -> None:
    accounts = {
        (one.association_id, one.server, one.person): one.member_id
        for one in apps.get_model("chat", "Account").objects.all()
    }

    def known() -> Iterator[Any]:
        rows = apps.get_model("chat", "Handled").objects.filter(taken=True)
        for one in rows.select_related("post"):
            key = (one.post.association_id, one.post.server, one.person)
            if key in accounts:
                one.member, one.counts_from = accounts[key], one.at
                yield one

    changed = list(known())
    fields = ["member", "counts_from"]
    apps.get_model("chat", "Handled").objects.bulk_update(changed, fields, _AT_ONCE)


class Migration(migrations.Migration):
    dependencies = [
        ("actions", "0004_read_chats"),
        ("chat", "0001_initial"),
    ]

    operations = [
        migrations.AddField("post", "since", models.DateTimeField(null=True)),
        migrations.AddField(
            "post",
            "of",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="chat.post",
            ),
        ),
        migrations.AddField("outgoing", "since", models.DateTimeField(null=True)),
        migrations.AddField("handled", "counts_from", models.DateTimeField(null=True)),
        migrations.AddField(
            "handled", "member", models.CharField(blank=True, default="", max_length=32), False
        ),
        migrations.RunPython(_fill, migrations.RunPython.noop),
        migrations.RemoveField("handled", "taken"),
    ]
