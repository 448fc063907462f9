from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('feeds', '0005_downloads'),
    ]

    operations = [
        migrations.AddField(
            model_name='report',
            name='also',
            field=models.JSONField(blank=True, default=list),
        ),
    ]
