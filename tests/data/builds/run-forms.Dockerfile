FROM bb:1
RUN echo shell > /shell
RUN ["touch", "/exec"]
RUN ["/bin/sh", "-c", "echo $HOME > /home-of"]
