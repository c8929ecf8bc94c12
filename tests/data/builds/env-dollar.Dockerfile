FROM bb:1
ENV A=cost:\$5 B="\${A}" C='${A}' D=$$ E=a$
