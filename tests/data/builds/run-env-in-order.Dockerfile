FROM bb:1
ENV A=1
RUN echo $A > /1
ENV A=2
RUN echo $A > /2
