FROM bb:1
RUN touch -d 1970-01-02 /old && touch -d 2037-01-01 /new
