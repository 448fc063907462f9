from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0005_stepped_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='ledgerentry',
            name='said',
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
