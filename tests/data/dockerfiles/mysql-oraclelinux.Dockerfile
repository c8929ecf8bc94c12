FROM oraclelinux:9-slim

RUN set -eux; \
	groupadd --system --gid 999 mysql; \
	useradd --system --uid 999 --gid 999 --home-dir /var/lib/mysql --no-create-home mysql

RUN set -eux; \
	{ \
		echo '[mysql8.4-server]'; \
		echo 'name=MySQL 8.4'; \
		echo 'enabled=1'; \
		echo 'baseurl=https://example.org/yum/$basearch/'; \
		echo 'gpgcheck=1'; \
		echo 'module_hotfixes=true'; \
	} | tee /etc/yum.repos.d/mysql.repo

ENV MYSQL_MAJOR 8.4
ENV MYSQL_VERSION 8.4.0-1.el9
RUN microdnf install -y "mysql-community-server-minimal-$MYSQL_VERSION" && microdnf clean all
VOLUME ["/var/lib/mysql", "/var/log/mysql"]
ENTRYPOINT ["docker-entrypoint.sh"]
EXPOSE 3306 33060
CMD ["mysqld"]
