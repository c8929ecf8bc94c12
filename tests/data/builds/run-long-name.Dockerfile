FROM bb:1
RUN n=$(printf 'n%.0s' $(seq 200)) && mkdir -p /$n/$n && touch /$n/$n/$n && ln -s /$n/$n/$n /longlink
