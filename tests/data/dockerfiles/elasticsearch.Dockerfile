################################################################################
# Build stage 0 `builder`:
# Extract Elasticsearch artifact
################################################################################
FROM ubuntu:20.04 AS builder
RUN mkdir /usr/share/elasticsearch
WORKDIR /usr/share/elasticsearch
RUN curl --retry 10 -S -L --output /tmp/elasticsearch.tar.gz https://example.org/elasticsearch-8.14.1-linux-$(arch).tar.gz
RUN tar -zxf /tmp/elasticsearch.tar.gz --strip-components=1
COPY config/elasticsearch.yml config/log4j2.properties config/
RUN sed -i -e 's/ES_DISTRIBUTION_TYPE=tar/ES_DISTRIBUTION_TYPE=docker/' bin/elasticsearch-env && \
    chmod 0555 bin/* && \
    find config -type f -exec chmod 0664 {} +

FROM ubuntu:20.04
RUN yes no | dpkg-reconfigure dash && \
    for iter in 1 2 3; do \
      apt-get update && \
      apt-get install -y --no-install-recommends curl && exit_code=0 && break || \
        exit_code=$? && echo "apt error: retry $iter in 10s" && sleep 10; \
    done; \
    exit $exit_code
ENV ELASTIC_CONTAINER true
WORKDIR /usr/share/elasticsearch
COPY --from=builder --chown=0:0 /usr/share/elasticsearch /usr/share/elasticsearch
COPY --from=builder --chown=0:0 /bin/tini /bin/tini
ENV PATH /usr/share/elasticsearch/bin:$PATH
ENV SHELL /bin/bash
EXPOSE 9200 9300
LABEL org.label-schema.build-date="2024-06-10T23:35:17Z" \
  org.label-schema.license="Elastic-License-2.0" \
  org.label-schema.name="Elasticsearch"
# Our actual entrypoint is `tini`, a minimal but functional init program.
USER elasticsearch:root
ENTRYPOINT ["/bin/tini", "--", "/usr/local/bin/docker-entrypoint.sh"]
# Dummy overridable parameter parsed by entrypoint
CMD ["eswrapper"]
USER 1000:0
