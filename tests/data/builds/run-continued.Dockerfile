FROM bb:1
RUN echo one > /f && \
    echo two >> /f && \
# a comment inside

    echo three >> /f
