FROM busybox
RUN echo one \
  && echo two
ENV A=1 \
    B="two words"
CMD ["sh"]
