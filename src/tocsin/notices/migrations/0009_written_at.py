from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0008_courses'),
    ]

    operations = [
        migrations.AddField(
            model_name='told',
            name='written_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
