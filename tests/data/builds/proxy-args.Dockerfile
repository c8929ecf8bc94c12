FROM bb:1
ARG http_proxy
RUN echo "${http_proxy:-none}" > /p
