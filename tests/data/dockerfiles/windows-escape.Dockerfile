# escape=`
FROM mcr.microsoft.com/windows/servercore:ltsc2022
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue';"]
ENV PYTHON_VERSION 3.12.4
RUN Write-Host ('Downloading {0} ...' -f $env:PYTHON_VERSION); `
	[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12; `
	Invoke-WebRequest -Uri https://example.org/python.exe -OutFile 'python.exe'; `
	`
	Remove-Item python.exe -Force
WORKDIR C:\\app
COPY *.py C:\\app\\
CMD ["python"]
