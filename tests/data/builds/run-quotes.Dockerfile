FROM bb:1
RUN echo "a  b" 'c  d' e\ f > /f; echo "$(echo nested)" >> /f
