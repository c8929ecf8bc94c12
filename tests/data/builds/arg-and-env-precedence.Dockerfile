# compare: buildkit
FROM bb:1
ENV A=env
ARG A=arg
RUN echo $A > /a
