FROM bb:1
RUN mkdir /real && ln -s /real /via
COPY a.txt /via/
COPY d /via/d
