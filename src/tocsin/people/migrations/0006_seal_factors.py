"""Seals the secrets of second factors that were kept as they are."""

from __future__ import annotations

from typing import Any

from django.db import migrations

SECRETS = ("secret", "seed")


def seal(apps: Any, _schema: Any) -> None:
    """Seal each once: a migration that was cut short is run again."""
    from tocsin.people import sealing

    for row in apps.get_model("mfa", "Authenticator").objects.filter(type__in=("totp", "recovery_codes")):
        plain = {name: row.data[name] for name in SECRETS if name in row.data}
        plain = {name: text for name, text in plain.items() if not sealing.is_sealed(text)}
        if plain:
            row.data = {**row.data, **{name: sealing.seal(text) for name, text in plain.items()}}
            row.save(update_fields=["data"])


class Migration(migrations.Migration):
    """Back there is nothing to do: what is sealed is read as well."""

    dependencies = [("people", "0005_known_elsewhere"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [migrations.RunPython(seal, migrations.RunPython.noop)]
