"""The web application."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from gunicorn.errors import AppImportError

from tocsin.kernel.refusals import Refusal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.site.settings")
settings.WORK_BY_JOBS = True
"""What takes long or much memory is the worker's."""
try:
    application = get_wsgi_application()
except Refusal as refusal:
    # The one error of which the web server prints the sentence alone, without a traceback.
    raise AppImportError(f"tocsin: {refusal}") from refusal
