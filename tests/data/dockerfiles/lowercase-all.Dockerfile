from debian:stable-slim as first
label key=value other="two words"
env PATH=/opt/bin:$PATH
run echo "$PATH" # not a comment
arg UID=1000
user $UID
copy --from=first /etc/passwd /
healthcheck none
stopsignal 9
cmd ["sh"]
