# One image for web, worker, beat and the one-shot services of docker-compose.yml.
FROM python:3.13-slim-trixie

# pg_dump and pg_restore for `manage.py backup` and `restore`; the same major version as the server.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin rapport \
    && install -d -o rapport -g rapport /data
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data

COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check --prefer-binary -r requirements.txt
COPY . .
# Values that only let the settings load; nothing of them stays in the image.
RUN for file in locale/*/LC_MESSAGES/*.po; do [ ! -e "$file" ] || pybabel --quiet compile --input-file "$file" --output-file "${file%.po}.mo"; done \
    && SECRET_KEY=unused ALLOWED_HOSTS=unused BASE_URL=http://unused DATABASE_URL=postgres://unused@unused/unused REDIS_URL=redis://unused \
       python manage.py collectstatic --noinput --verbosity 0

USER rapport
EXPOSE 8000
ENTRYPOINT ["/app/docker/entrypoint"]
CMD ["web"]
