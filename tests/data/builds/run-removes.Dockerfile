FROM bb:1
RUN rm -rf /home /bin/arch && mkdir /home
