from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('courier', '0004_looked_at_anew'),
    ]

    operations = [
        migrations.AddField(
            model_name='outgoingmessage',
            name='was_recipient_refused',
            field=models.BooleanField(default=False),
        ),
    ]
