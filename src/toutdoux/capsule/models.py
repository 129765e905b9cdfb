"""What the capsule has to remember."""

from __future__ import annotations

from django.db import models

from toutdoux.association.models import Association, Member


class ClientCertificate(models.Model):
    """A certificate that is a member's: whoever shows it acts as them."""

    association = models.ForeignKey(Association, models.CASCADE, db_index=False, related_name="+")
    member = models.ForeignKey(Member, models.CASCADE, related_name="client_certificates")
    fingerprint = models.CharField(max_length=64)
    """SHA-256 of it, in hexadecimal."""
    since = models.DateTimeField()
    note = models.CharField(max_length=100, blank=True)
    """What it calls itself, to tell it from others."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["association", "fingerprint"], name="client_certificate_once"
            ),
        )
