FROM bb:1 AS one
RUN mkdir -p /top/etc /top/var/new && echo added > /top/etc/added && echo x > /top/var/new/x && chmod 750 /top /top/etc
FROM bb:1
RUN chmod 711 /
COPY --from=one /top /
RUN stat -c '%n %a %u:%g' / /etc /var && touch /etc/again
