from django.db import migrations, models
from django.db.models import F


def from_what_is_known(apps, _editor):
    """Who was told by a step was told on the last day at the latest: whoever comes next waits rather too long."""
    told = apps.get_model('notices', 'Told').objects
    told.exclude(step=0).update(stepped_at=F('last_at'))


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0004_struck_and_security'),
    ]

    operations = [
        migrations.AddField(
            model_name='told',
            name='stepped_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunPython(from_what_is_known, migrations.RunPython.noop),
    ]
