FROM bb:1
WORKDIR /a
WORKDIR b
WORKDIR c/../d
RUN pwd > here
