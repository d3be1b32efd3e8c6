"""/meetings/"""

from crm.core.views import record_urls

app_name = "meetings"
urlpatterns = record_urls("meetings")
