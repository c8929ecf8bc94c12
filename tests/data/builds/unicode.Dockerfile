FROM bb:1
ENV GREETING="héllo wörld ☃"
LABEL ключ=значение
RUN echo "日本" > /日本
