FROM bb:1
RUN mkdir /sg /st && chmod 2755 /sg && chmod 1777 /st && touch /su && chmod 4711 /su && touch /none && chmod 0 /none
