FROM bb:1
ENV A="say \"hi\"" B='single "double"' C="a\\b" D=a\\b E="tab\tno"
