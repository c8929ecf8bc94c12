FROM alpine:3.19
RUN set -eux; \
# alpine already has a gid 999, so we use the next one
	addgroup -S -g 1000 redis; \
	adduser -S -G redis -u 999 redis
RUN set -eux; \
	\
	apk add --no-cache --virtual .build-deps coreutils gcc linux-headers make musl-dev; \
	\
	grep -E '^ *createBoolConfig[(]"protected-mode",.*, *1 *,.*[)],$' /usr/src/redis/src/config.c; \
	sed -ri 's!^( *createBoolConfig[(]"protected-mode",.*, *)1( *,.*[)],)$!\10\2!' /usr/src/redis/src/config.c; \
	make -C /usr/src/redis -j "$(nproc)" all; \
	apk del --no-network .build-deps
RUN mkdir /data && chown redis:redis /data
VOLUME /data
WORKDIR /data
COPY docker-entrypoint.sh /usr/local/bin/
ENTRYPOINT ["docker-entrypoint.sh"]
EXPOSE 6379
CMD ["redis-server"]
