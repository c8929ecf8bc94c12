FROM bb:1
RUN touch "/with space" "/ünï" "/-dash" "/a;b" "/quo'te" '/dou"ble' "$(printf '/new\nline')" "/back\\slash"
