"""For `make bench` only (RAPPORT_BENCH=1): each response says how many statements it took, how long they ran, and how much processor time the rest took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse


class BenchMiddleware:
    """The outermost middleware, so that session and user are counted as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        count, seconds, inside = 0, 0.0, 0.0
        start = time.thread_time()

        def timed(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
            nonlocal count, seconds, inside
            began, used = time.perf_counter(), time.thread_time()
            try:
                return execute(sql, params, many, context)
            finally:
                count += 1
                seconds += time.perf_counter() - began
                inside += time.thread_time() - used

        with connection.execute_wrapper(timed):
            response = self.get_response(request)
        response.headers["X-Bench-Queries"] = str(count)
        response.headers["X-Bench-Sql-Ms"] = f"{seconds * 1000:.2f}"
        response.headers["X-Bench-Cpu-Ms"] = f"{(time.thread_time() - start - inside) * 1000:.2f}"
        return response
