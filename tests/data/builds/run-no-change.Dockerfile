FROM bb:1
RUN true
RUN : nothing
