"""Addresses below /settings/fields/."""

from django.urls import path

from crm.core.custom import layout_pages, pages

app_name = "custom_fields"
urlpatterns = [
    path("", pages.field_list, name="list"),
    path("<slug:slug>/", pages.field_list, name="type"),
    path("<slug:slug>/layout/", layout_pages.layout, name="layout"),
    path("<slug:slug>/new/", pages.field_new, name="new"),
    path("<slug:slug>/<int:pk>/edit/", pages.field_edit, name="edit"),
    path("<slug:slug>/<int:pk>/move/", pages.field_move, name="move"),
    path("<slug:slug>/<int:pk>/archive/", pages.field_archive, name="archive"),
    path("<slug:slug>/<int:pk>/delete/", pages.field_delete, name="delete"),
    path("<slug:slug>/<int:pk>/index/", pages.field_index, name="index"),
]
