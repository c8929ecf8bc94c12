FROM bb:1
RUN echo a > /f \
  && echo b >> /f \

ENV A=1
