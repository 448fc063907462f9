from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('courier', '0003_webhooks'),
    ]

    operations = [
        migrations.AddField(
            model_name='outgoingmessage',
            name='fixed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
