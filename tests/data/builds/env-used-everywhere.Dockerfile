FROM bb:1
ENV DIR=/srv F=a.txt P=8080 U=bob S=SIGINT V=/data
WORKDIR $DIR
COPY $F ${DIR}/copied
ADD $F added
EXPOSE $P
USER ${U}
STOPSIGNAL $S
VOLUME $V
LABEL dir=$DIR "key$F"=x
