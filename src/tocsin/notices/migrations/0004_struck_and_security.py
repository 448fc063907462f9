from django.db import migrations, models
from django.db.models import F


def from_what_is_known(apps, _editor):
    """What was told to the first contact alone was told to it last then; of the rest only the first day is known."""
    told = apps.get_model('notices', 'Told').objects
    told.filter(step=0).update(security_at=F('last_at'))
    told.exclude(step=0).update(security_at=F('first_at'))


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0003_hold_outs'),
    ]

    operations = [
        migrations.AddField(
            model_name='told',
            name='security_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='what',
            field=models.CharField(choices=[('planned', 'Prepared'), ('previewed', 'Read by the team'), ('queued', 'Waits to be sent'), ('sent', 'Sent'), ('delivered', 'Delivered'), ('bounced', 'Came back undelivered'), ('read', 'Read'), ('acted', 'Acted on'), ('discarded', 'Discarded'), ('in-clear', 'Goes in clear: no OpenPGP key of its recipient is known'), ('replied', 'A reply came, to be read'), ('automatic', 'An automatic message came back'), ('struck', 'Struck off before it left: not so any more')], max_length=10),
        ),
        migrations.RunPython(from_what_is_known, migrations.RunPython.noop),
    ]
