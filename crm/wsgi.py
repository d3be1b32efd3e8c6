"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
os.environ.setdefault("CRM_PROCESS", "web")  # its statements have a time limit

application = get_wsgi_application()

from crm.core.warm import warm_up  # noqa: E402 - needs the apps

warm_up()
