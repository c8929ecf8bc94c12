FROM bb:1
ARG REV=abc
LABEL rev=$REV "quoted"="$REV" single='$REV' desc="rev is ${REV:-none}"
