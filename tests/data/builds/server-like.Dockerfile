FROM bb:1
ENV VERSION=1.25 PKG=1~bookworm
RUN set -x && mkdir -p /etc/nginx /var/log/nginx && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
COPY b.txt /etc/nginx/nginx.conf
COPY run.sh /docker-entrypoint.sh
ENTRYPOINT ["/docker-entrypoint.sh"]
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
