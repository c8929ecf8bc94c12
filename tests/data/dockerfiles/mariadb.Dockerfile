# vim:set ft=dockerfile:
FROM ubuntu:noble
RUN groupadd -r mysql && useradd -r -g mysql mysql --home-dir /var/lib/mysql --uid 999
ARG GPG_KEYS=177F4010FE56CA3336300305F1656F24C74CD1D8
# pub   rsa4096 2016-03-30 [SC]
#         177F 4010 FE56 CA33 3630  0305 F165 6F24 C74C D1D8
ARG REPOSITORY="http://example.org/mariadb-11.4/repo/ubuntu/ noble main main/debug"
LABEL org.opencontainers.image.authors="MariaDB Community" \
      org.opencontainers.image.title="MariaDB Database" \
      org.opencontainers.image.vendor="MariaDB Community" \
      org.opencontainers.image.url="https://example.org/mariadb-docker"
# OCI annotations to image
ENV MARIADB_VERSION 1:11.4.2+maria~ubu2404
RUN set -e;\
	echo "deb [signed-by=/usr/share/keyrings/mariadb.gpg] ${REPOSITORY}" > /etc/apt/sources.list.d/mariadb.list; \
	{ \
		echo "mariadb-server" mysql-server/root_password password 'unused'; \
		echo "mariadb-server" mysql-server/root_password_again password 'unused'; \
	} | debconf-set-selections
VOLUME /var/lib/mysql
COPY healthcheck.sh /usr/local/bin/healthcheck.sh
HEALTHCHECK --interval=1m --start-interval=5s --start-period=1m30s CMD healthcheck.sh --connect --innodb_initialized || exit 1
ENTRYPOINT ["docker-entrypoint.sh"]
EXPOSE 3306
CMD ["mariadbd"]
