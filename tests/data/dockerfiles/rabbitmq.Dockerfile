FROM ubuntu:22.04 AS build-base
ARG BUILDKIT_SBOM_SCAN_STAGE=true
RUN apt-get update && apt-get install -y build-essential

FROM build-base AS openssl-builder
ENV OPENSSL_VERSION 3.1.5
ENV OPENSSL_CONFIG_DIR=/opt/openssl/etc/ssl
RUN set -eux; \
	./Configure "linux-x86_64" enable-fips --prefix=/opt/openssl --openssldir="$OPENSSL_CONFIG_DIR"; \
	make -j "$(getconf _NPROCESSORS_ONLN)"

FROM build-base AS erlang-builder
ENV ERLANG_INSTALL_PATH_PREFIX /opt/erlang
COPY --from=openssl-builder /opt/openssl /opt/openssl
RUN bash -euo pipefail -c 'echo $ERLANG_INSTALL_PATH_PREFIX'

FROM ubuntu:22.04
COPY --from=erlang-builder ${ERLANG_INSTALL_PATH_PREFIX:-/opt/erlang} /opt/erlang
COPY --from=openssl-builder /opt/openssl /opt/openssl
ENV RABBITMQ_DATA_DIR /var/lib/rabbitmq
ENV RABBITMQ_HOME=/opt/rabbitmq
ENV PATH=/opt/erlang/bin:/opt/openssl/bin:$RABBITMQ_HOME/sbin:$PATH \
    RABBITMQ_LOGS=-
VOLUME $RABBITMQ_DATA_DIR
ENV HOME $RABBITMQ_DATA_DIR
COPY --chown=rabbitmq:rabbitmq 10-defaults.conf 20-management_agent.disable_metrics_collector.conf /etc/rabbitmq/conf.d/
ENTRYPOINT ["docker-entrypoint.sh"]
EXPOSE 4369 5671 5672 15691 15692 25672
CMD ["rabbitmq-server"]
