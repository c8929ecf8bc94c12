FROM debian:bookworm-slim
RUN set -eux; \
	groupadd --system --gid 11211 memcache; \
	useradd --system --gid memcache --uid 11211 memcache
ENV MEMCACHED_VERSION 1.6.28
RUN set -x \
	&& wget -O memcached.tar.gz "https://example.org/memcached-$MEMCACHED_VERSION.tar.gz" \
	&& enableExtstore="$( \
		# https://example.org/extstore
		case "$gnuArch" in \
			s390x-*) ;; \
			*) echo '--enable-extstore' ;; \
		esac \
	)" \
	&& memcached -V
USER memcache
EXPOSE 11211
CMD ["memcached"]
