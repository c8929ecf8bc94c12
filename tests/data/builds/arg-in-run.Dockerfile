FROM bb:1
ARG A=from-arg
RUN echo "$A" > /a
ENV A=from-env
RUN echo "$A" > /b
