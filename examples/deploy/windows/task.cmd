@echo off
rem In place of the service: the task scheduler of Windows starts `bridge run` at 23:30 of the
rem machine's own time zone. Not both for one job.

rem docs: task
schtasks /create /tn punchbridge-hq /sc daily /st 23:30 /ru "NT AUTHORITY\SYSTEM" /tr "C:\punchbridge\bridge.exe -config C:\punchbridge\bridge.yaml -log C:\punchbridge\bridge.log run hq-dingtalk-daily"
rem docs: end
