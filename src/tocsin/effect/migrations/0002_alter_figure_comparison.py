from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('effect', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='figure',
            name='comparison',
            field=models.CharField(choices=[('before', 'Before there were notices'), ('held-out', 'Organisations held out')], max_length=10),
        ),
    ]
