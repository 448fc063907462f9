"""Write the names by which constituents are searched for anew, without ligatures: œ as oe. One statement."""

from django.db import migrations
from django.db.models import F, Q, Value
from django.db.models.functions import Replace

ALIKE = {
    "œ": "oe", "æ": "ae", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "ħ": "h", "ŧ": "t",
    "‘": "'", "’": "'", "ʻ": "'", "ʼ": "'",
}
"""What `kernel.collation` folded from this version on, beyond what stands there."""


def fold(apps, _editor):
    concerned, words = Q(), F("search_words")
    for letter, typed in ALIKE.items():
        concerned |= Q(search_words__contains=letter)
        words = Replace(words, Value(letter), Value(typed))
    apps.get_model("directory", "Constituent").objects.filter(concerned).update(search_words=words)


class Migration(migrations.Migration):

    dependencies = [
        ('directory', '0001_initial'),
    ]

    operations = [
        migrations.RunPython(fold, migrations.RunPython.noop),
    ]
