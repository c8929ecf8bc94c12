FROM bb:1
RUN echo '<<EOF' > /f && echo "a << b" >> /f
