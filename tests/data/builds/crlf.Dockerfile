FROM bb:1
ENV A=1
RUN echo x > /f
