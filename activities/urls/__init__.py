"""Addresses of the activities app. Tasks and meetings are record types with modules of their own."""

from django.urls import include, path

from activities.urls.calendar import calendar_urls
from activities.urls.calls import call_urls
from activities.views import background, capture, comments, entries, feeds, files, focus, follows, links, mails, today
from activities.views.unsubscribe import unsubscribe

entry_urls = [
    path("<slug:slug>/<int:pk>/timeline/", entries.TimelineView.as_view(), name="timeline"),
    path("<slug:slug>/<int:pk>/timeline/filter/", entries.TimelineFilterView.as_view(), name="timeline_filter"),
    path("<slug:slug>/<int:pk>/follow/", follows.FollowView.as_view(), name="follow"),
    path("<slug:slug>/<int:pk>/mail/", mails.WriteMailView.as_view(), name="write_mail"),
    path("mails/<int:pk>/", mails.MailView.as_view(), name="mail"),
    path("mails/<int:pk>/take-back/", mails.TakeBackView.as_view(), name="take_back"),
    path("<slug:slug>/<int:pk>/files/", files.FilesView.as_view(), name="files"),
    path("<slug:slug>/<int:pk>/files/new/", files.AddFilesView.as_view(), name="files_new"),
    path("files/<int:pk>/", files.FileView.as_view(), name="file"),
    path("files/<int:pk>/picture/", files.PictureView.as_view(), name="file_picture"),
    path("files/<int:pk>/delete/", files.RemoveFileView.as_view(), name="file_delete"),
    path("comments/<int:pk>/delete/", comments.CommentDeleteView.as_view(), name="comment_delete"),
    path("comments/<int:pk>/restore/", comments.CommentRestoreView.as_view(), name="comment_restore"),
    path("mentions/<int:pk>/done/", comments.MentionDoneView.as_view(), name="mention_done"),
    path("mentions/<int:pk>/reopen/", comments.MentionReopenView.as_view(), name="mention_reopen"),
    path("<slug:slug>/<int:pk>/<slug:kind>/", entries.ComposeView.as_view(), name="compose"),
    path("<int:pk>/edit/", entries.LineEditView.as_view(), name="edit"),
    path("<int:pk>/delete/", entries.LineDeleteView.as_view(), name="delete"),
    path("<int:pk>/comments/", comments.CommentsView.as_view(), name="comments"),
    path("<int:pk>/pin/", comments.PinView.as_view(), name="pin"),
    path("<int:pk>/restore/", entries.LineRestoreView.as_view(), name="restore"),
]
bell_urls = [
    path("", today.NotificationsView.as_view(), name="list"),
    path("poll/", today.PollView.as_view(), name="poll"),
    path("read/", today.NotificationsReadView.as_view(), name="read"),
    path("settings/", today.NotificationSettingsView.as_view(), name="settings"),
    path("<int:pk>/read/", today.NotificationReadView.as_view(), name="read_one"),
    path("<int:pk>/open/", today.NotificationOpenView.as_view(), name="open"),
]
urlpatterns = [
    path("", today.TodayView.as_view(), name="today"),
    path("calendar/", include((calendar_urls, "calendar"))),
    path("calls/", include((call_urls, "calls"))),
    path("invited/<str:token>/", feeds.guest, name="guest"),
    path("unsubscribe/", unsubscribe, name="unsubscribe-nowhere"),
    path("unsubscribe/<str:token>/", unsubscribe, name="unsubscribe"),
    path("focus/", focus.FocusView.as_view(), name="focus"),
    path("settings/background/", background.background_page, name="settings-background"),
    path("capture/", capture.CaptureView.as_view(), name="capture"),
    path("activities/", include((entry_urls, "activities"))),
    path("notifications/", include((bell_urls, "notifications"))),
    path("reminders/<str:token>/", links.ReminderLinkView.as_view(), name="reminder-link"),
    path("tasks/", include("activities.urls.tasks")),
    path("meetings/", include("activities.urls.meetings")),
]
