FROM bb:1
LABEL a=b
LABEL "quoted key"="quoted value" plain=value
LABEL multi="line one \
line two"
LABEL old style value
