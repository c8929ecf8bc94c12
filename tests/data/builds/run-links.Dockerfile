FROM bb:1
RUN echo data > /a && ln /a /b && ln /a /c && ln -s /a /abs && ln -s a /rel && ln -s nowhere /dangling
