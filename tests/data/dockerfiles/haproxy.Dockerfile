FROM debian:bookworm-slim
ENV HAPROXY_VERSION=3.0.2 HAPROXY_URL=https://example.org/haproxy-3.0.2.tar.gz
RUN set -eux; \
	groupadd --gid 99 --system haproxy; \
	useradd \
		--gid haproxy \
		--home-dir /var/lib/haproxy \
		--no-create-home \
		--system \
		--uid 99 \
		haproxy \
	; \
	mkdir /var/lib/haproxy; \
	chown haproxy:haproxy /var/lib/haproxy
# https://example.org/download/3.0/doc/management.txt
# "4. Stopping and restarting HAProxy"
STOPSIGNAL SIGUSR1
COPY docker-entrypoint.sh /usr/local/bin/
ENTRYPOINT ["docker-entrypoint.sh"]
# https://example.org/moby/libnetwork/issues/1
USER haproxy
WORKDIR /var/lib/haproxy
CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
