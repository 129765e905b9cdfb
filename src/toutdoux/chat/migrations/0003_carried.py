from typing import Any

from django.db import migrations


def _fill(apps: Any, schema_editor: object) -> None:
    """Decisions wait for the channels in which their vote goes on."""
    chats = {
        (one.association_id, one.server, one.channel): one.pk
        for one in apps.get_model("actions", "ReadChat").objects.all()
    }
    posts = apps.get_model("chat", "Post").objects.filter(open=True)
    carried = set()
    for one in posts.exclude(ballot__in=("amend", "withdraw")):
        chat = chats.get((one.association_id, one.server, one.channel))
        if chat is not None:
            carried.add((chat, one.action))
    Carried = apps.get_model("actions", "Carried")
    Carried.objects.bulk_create([Carried(chat_id=chat, action=ref) for chat, ref in carried])


class Migration(migrations.Migration):
    dependencies = [
        ("actions", "0006_carried"),
        ("chat", "0002_votes_begun_again"),
    ]

    operations = [migrations.RunPython(_fill, migrations.RunPython.noop)]
