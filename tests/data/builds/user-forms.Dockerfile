FROM bb:1
USER bob
USER 1000:1000
USER root:bob
USER nobody-there
