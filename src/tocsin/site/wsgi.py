"""The web application."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.site.settings")
settings.WORK_BY_JOBS = True
"""What takes long or much memory is the worker's."""
application = get_wsgi_application()
