FROM alpine
LABEL description="日本語のイメージ" ünïcode=ja
ENV ГОРОД=Москва
COPY данные/ /srv/данные/
RUN echo "안녕하세요 $ГОРОД 🐳"
WORKDIR /srv/données
CMD ["écho", "✓"]
