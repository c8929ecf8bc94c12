FROM bb:1
MAINTAINER Somebody <some@body>
