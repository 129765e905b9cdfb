from django.db import migrations, models


class Migration(migrations.Migration):
    """A vote is looked for by action and member: so goes its index, however many voted."""

    dependencies = [("actions", "0002_today_indexes")]

    operations = [
        migrations.RemoveConstraint(model_name="vote", name="vote_once"),
        migrations.AddConstraint(
            model_name="vote",
            constraint=models.UniqueConstraint(
                fields=["action", "member", "ballot", "counted"], name="vote_once"
            ),
        ),
    ]
