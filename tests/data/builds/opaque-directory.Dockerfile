FROM bb:1
RUN mkdir /o && touch /o/1 /o/2 /o/3
RUN rm -r /o && mkdir /o && touch /o/4
RUN rm /o/4
