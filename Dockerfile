# Built in one stage, run in another that has no compiler: `docker build --tag portico .`
FROM rust:1.95-slim-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package server

FROM debian:bookworm-20251117-slim
# OpenSSL's library is linked by josekit; curl asks after the health. Debian's stable updates are wanted, so no versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 portico \
    && useradd --uid 10001 --gid portico --no-create-home --home-dir /data --shell /usr/sbin/nologin portico \
    && install --directory --mode=0700 --owner=portico --group=portico /data
COPY --from=build /source/target/release/portico /usr/bin/portico
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
# Plain http. With its own TLS: --health-cmd 'curl --fail --silent --insecure https://127.0.0.1:8080/readyz'.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/readyz"]
# The configuration is mounted at /etc/portico/portico.toml, and listens on 0.0.0.0:8080.
ENTRYPOINT ["/usr/bin/portico"]
CMD ["serve", "--config", "/etc/portico/portico.toml"]
