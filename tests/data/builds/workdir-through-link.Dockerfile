FROM bb:1
RUN mkdir /real && ln -s /real /via
WORKDIR /via/sub
RUN touch here
