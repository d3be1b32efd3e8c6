"""Mail settings."""

from django.urls import path

from mail import views

urlpatterns = [
    path("settings/mail/", views.mail_settings, name="settings-mail"),
    path("settings/mail/test/", views.test_mail, name="settings-mail-test"),
    path("settings/mail/<int:pk>/retry/", views.retry_mail, name="settings-mail-retry"),
]
