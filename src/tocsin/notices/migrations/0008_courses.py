from django.db import migrations, models


def from_what_is_known(apps, _editor):
    """What had come back was told as having come back; it matters only where that telling comes back undelivered."""
    told = apps.get_model('notices', 'Told').objects
    told.filter(returns__gt=0).update(opened='returned')


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0007_page_text'),
    ]

    operations = [
        migrations.RemoveField(model_name='told', name='times'),
        migrations.AddField(
            model_name='told',
            name='opened',
            field=models.CharField(choices=[('new', 'New'), ('returned', 'Came back'), ('escalated', 'Still open'), ('digest', 'Weekly list')], default='new', max_length=10),
        ),
        migrations.AddField(
            model_name='told',
            name='lost',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='told',
            name='people',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.RunPython(from_what_is_known, migrations.RunPython.noop),
    ]
