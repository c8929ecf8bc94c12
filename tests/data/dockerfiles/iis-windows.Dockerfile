#Escape = `
FROM mcr.microsoft.com/windows/servercore/iis
SHELL ["powershell", "-NoProfile", "-Command"]
RUN Remove-Item -Recurse C:\inetpub\wwwroot\*; `
    New-Item -Path C:\site -Type Directory
WORKDIR C:\inetpub\wwwroot
COPY content\ .
ADD https://example.org/ServiceMonitor.exe C:\ServiceMonitor.exe
EXPOSE 80
ENTRYPOINT ["C:\\ServiceMonitor.exe", "w3svc"]
