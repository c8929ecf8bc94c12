FROM bb:1
RUN echo 1 > /f && mkdir /d1 && touch /d1/x
RUN rm -r /f /d1
RUN mkdir /f && echo now-a-file > /d1
