"""How allauth behaves here: nobody signs up alone, and its mails leave through the ledger."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.http import HttpRequest
from django.utils import translation

from users import selectors, services


class AccountAdapter(DefaultAccountAdapter):
    """People come by invitation; account mails are queued like all others."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Wrong passwords count per login and address together: a stranger who guesses must not lock the owner out."""
        return f"{super()._get_login_attempts_cache_key(request, **credentials)}:{self.get_client_ip(request)}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue instead of sending: no mail server is asked while somebody waits for a page."""
        user = context.get("user") or selectors.by_email(email)
        language = getattr(user, "language", "") or selectors.organisation().language
        with translation.override(language):
            message = self.render_mail(template_prefix, email, self._context(email, context))
        html = next((str(body) for body, kind in message.alternatives if kind == "text/html"), "") if isinstance(message, EmailMultiAlternatives) else ""
        with transaction.atomic():
            services.queue_account_mail(to_address=email, subject=message.subject, text=str(message.body), html=html, user=user)

    def _context(self, email: str, context: dict[str, Any]) -> dict[str, Any]:
        from allauth.core import context as allauth_context
        from django.contrib.sites.shortcuts import get_current_site

        request = allauth_context.request
        return {"request": request, "email": email, "current_site": get_current_site(request), **context}

    def format_email_subject(self, subject: str) -> str:
        return subject
