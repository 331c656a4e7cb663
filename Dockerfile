# Built once, copied as it is: the image that runs has no compiler, no pip cache and no source tree.
FROM python:3.13-slim AS build
WORKDIR /build
COPY . .
RUN python -m venv /app \
 && /app/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[postgres]' \
 && /app/bin/pip uninstall -y -q pip \
 && /app/bin/python -m compileall -q /app/lib

FROM python:3.13-slim
COPY --from=build /app /app
RUN install -d -m 0700 -o nobody -g nogroup /data
ENV PATH=/app/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PLAYLEDGER_DATA_DIR=/data \
    PLAYLEDGER_HOST=0.0.0.0 \
    PLAYLEDGER_PORT=8484
USER nobody
# The only place that is written to: run it with --read-only.
VOLUME /data
EXPOSE 8484
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PLAYLEDGER_PORT']}/health/live\", timeout=4)"]
CMD ["playledger", "serve"]
