"""Sum the movements that an instance has already, so that its charts are whole from the first page on."""

from django.db import connection, migrations
from django.db.models import Sum

WORDS = ("new", "still", "returned", "gone")
SUMS = (("TypeMovement", ("type_id", "on", "category", "severity")), ("ConstituentMovement", ("constituent", "on")))


def fill(apps, _editor):
    movements = apps.get_model("feeds", "Movement").objects.order_by()
    quote = connection.ops.quote_name
    for name, by in SUMS:
        model = apps.get_model("feeds", name)
        model.objects.all().delete()
        sums = movements.values_list(*by).annotate(**{f"sum_{word}": Sum(word) for word in WORDS})
        select, parameters = sums.query.sql_with_params()
        columns = ", ".join(quote(model._meta.get_field(each).column) for each in (*by, *WORDS))
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {quote(model._meta.db_table)} ({columns}) {select}", parameters)


class Migration(migrations.Migration):

    dependencies = [
        ('feeds', '0003_second_rollup'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
