FROM bb:1
RUN echo data > /a
RUN ln /a /b
